import { nullTranslator } from '@jupyterlab/translation';

import { formatAge, inGib } from '../format';

const trans = nullTranslator.load('sandlot');

describe('inGib', () => {
  it.each([
    [0, '0'],
    [0.44 * 2 ** 30, '0.4'],
    [12.36 * 2 ** 30, '12.4'],
    [64 * 2 ** 30, '64']
  ])('%d bytes are %s', (bytes, text) => {
    expect(inGib(bytes)).toBe(text);
  });
});

describe('formatAge', () => {
  it.each([
    [-5, 'just now'],
    [1, 'just now'],
    [4, '4 s ago'],
    [59, '59 s ago'],
    [60, '1 min ago'],
    [3599, '59 min ago'],
    [3600, '1 h ago'],
    [86_400, '1 day ago'],
    [200_000, '2 days ago']
  ])('%d s are %s', (seconds, text) => {
    expect(formatAge(seconds * 1000, trans)).toBe(text);
  });
});
