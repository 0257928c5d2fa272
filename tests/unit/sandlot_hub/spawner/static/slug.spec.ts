import { serverName } from '../../../../../hub_ext/sandlot_hub/spawner/static/slug.js';

describe('serverName', () => {
  it.each([
    ['gpu', 'gpu'],
    ['GPU work', 'gpu-work'],
    ['  two -- hyphens - ', 'two-hyphens'],
    ['Überraschung', 'uberraschung'],
    ['2026', 'x-2026'],
    ['日本', 'x'],
    ['a'.repeat(29) + ' b', 'a'.repeat(29)],
    ['   ', '']
  ])('%s', (title, name) => {
    expect(serverName(title)).toBe(name);
  });

  it('is always a name that the hub takes', () => {
    for (const title of ['É'.repeat(50), '-x-', '9 lives', 'a.b_c', '<b>']) {
      expect(serverName(title)).toMatch(
        /^(?=.{1,30}$)[a-z]([a-z0-9]|-(?!-|$))*$/
      );
    }
  });
});
