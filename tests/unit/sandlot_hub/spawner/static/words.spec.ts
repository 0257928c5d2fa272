import {
  availability,
  imageWords,
  profileWords,
  sizeWords
} from '../../../../../hub_ext/sandlot_hub/spawner/static/words.js';
import table from './availability.json';

describe('availability', () => {
  it.each(table)('$id', ({ code, places, taken, state, text }) => {
    expect(availability(code, places, taken)).toEqual({ state, text });
  });
});

const unknown = { code: 'availability-unknown', message: 'Nobody knows.' };

describe('what is not known', () => {
  it('is never told as free', () => {
    const size = { places: 2, reason: unknown, taken: 0 };

    expect(sizeWords({ ...size, state: 'unknown' }).text).toBe('not known');
    expect(imageWords({ state: 'unknown' }).text).toBe('not known');
    expect(
      profileWords({
        ...size,
        state: 'unknown',
        alternatives: [],
        images: [],
        sizes: [],
        slug: 'a'
      }).text
    ).toBe('not known');
  });
});

describe('an image', () => {
  it('says something only when it is off', () => {
    expect(imageWords({ state: 'available' }).text).toBe('');
    expect(imageWords({ state: 'unavailable' }).text).toBe('not available');
  });
});
