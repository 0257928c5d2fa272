import {
  fromHash,
  fromQuery,
  sharedPage,
  toHash,
  toQuery
} from '../../../../../hub_ext/sandlot_hub/spawner/static/links.js';

const GPU = { image: 'torch', profile: 'gpu', size: 'one' };
const WRITTEN = { profile: 'gpu', reference: 'quay.io/a/b:1', size: 'one' };

describe('a link', () => {
  it.each([
    [GPU, '#profile=gpu&image=torch&size=one'],
    [WRITTEN, '#profile=gpu&reference=quay.io%2Fa%2Fb%3A1&size=one'],
    [{ size: 'one' }, '#size=one']
  ])('names a choice', (choice, hash) => {
    expect(toHash(choice)).toBe(hash);
    expect(fromHash(hash)).toEqual(choice);
  });

  it('starts a choice', () => {
    const query = '?opt-profile=gpu&opt-image=torch&opt-size=one';
    expect(toQuery(GPU)).toBe(query);
    expect(fromQuery(query)).toEqual(GPU);
  });

  it.each(['', '#', '#top', '#profile='])('%s names nothing', hash => {
    expect(fromHash(hash)).toBeNull();
  });
});

describe('sharedPage', () => {
  it.each([
    ['', '/b/hub/spawn/ada', '/b/hub/spawn'],
    ['big', '/b/hub/spawn/ada/big', '/b/hub/spawn/ada/big']
  ])('of the server “%s”', (server, spawnUrl, page) => {
    expect(sharedPage({ server, spawnUrl })).toBe(page);
  });
});
