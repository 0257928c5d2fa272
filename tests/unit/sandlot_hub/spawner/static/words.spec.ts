import {
  imageWords,
  wordsOf
} from '../../../../../hub_ext/sandlot_hub/spawner/static/words.js';

describe('what is not known', () => {
  it('is never told as free', () => {
    const words = { mark: 'free' as const, text: '5 of 12 free' };

    expect(wordsOf({ state: 'unknown', words })?.text).toBe('not known');
    expect(imageWords({ state: 'unknown' }).text).toBe('not known');
  });
});

describe('what the server says', () => {
  it('stands there as it is', () => {
    const words = { mark: 'wait' as const, text: 'none free, 3 waiting' };

    expect(wordsOf({ state: 'wait', words })).toEqual(words);
  });

  it('may be nothing, where only the hub counts', () => {
    expect(wordsOf({ state: 'available', words: null })).toBeNull();
  });
});

describe('an image', () => {
  it('says something only when it is off', () => {
    expect(imageWords({ state: 'available' }).text).toBe('');
    expect(imageWords({ state: 'unavailable' }).text).toBe('not available');
  });
});
