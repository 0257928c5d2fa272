import {
  formatDuration,
  showAges
} from '../../../../../hub_ext/sandlot_hub/spawner/static/times.js';

describe('formatDuration', () => {
  it.each([
    [-3, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [72, '1 min 12 s'],
    [3600, '1 h'],
    [7800, '2 h 10 min'],
    [86_400, '1 d'],
    [273_700, '3 d 4 h']
  ])('%d s', (seconds, words) => {
    expect(formatDuration(seconds)).toBe(words);
  });
});

describe('showAges', () => {
  it('says how long ago, with the exact time on hover', () => {
    document.body.innerHTML =
      '<time datetime="2026-11-21T10:00:00Z">2026-11-21 10:00 UTC</time>';
    showAges(document.body, Date.parse('2026-11-21T12:10:00Z'));
    const time = document.querySelector('time');
    expect(time?.textContent).toBe('2 h ago');
    expect(time?.title).toContain('2026');
  });

  it('leaves what is no time', () => {
    document.body.innerHTML = '<time datetime="">never</time>';
    showAges(document.body, 0);
    expect(document.body.textContent).toBe('never');
  });
});
