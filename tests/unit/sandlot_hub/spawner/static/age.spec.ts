import {
  Age,
  ago,
  describeAge
} from '../../../../../hub_ext/sandlot_hub/spawner/static/age.js';

describe('ago', () => {
  it.each([
    [-5, '0 s ago'],
    [3.9, '3 s ago'],
    [59, '59 s ago'],
    [60, '1 min ago'],
    [3599, '59 min ago'],
    [3600, '1 h ago'],
    [86_400, '1 day ago'],
    [200_000, '2 days ago']
  ])('%d s are %s', (seconds, words) => {
    expect(ago(seconds)).toBe(words);
  });
});

describe('describeAge', () => {
  it.each([
    [3, true, 'live', 'Availability as of 3 s ago.'],
    [40, true, 'broken', 'Availability as of 40 s ago, reconnecting…'],
    [
      40,
      true,
      'crowded',
      'Availability as of 40 s ago. Too many pages are open to follow all. Next: close some of yours.'
    ],
    [3, true, 'connecting', 'Availability as of 3 s ago.'],
    [90, true, 'connecting', 'Availability as of 1 min ago, updating…'],
    [
      90,
      false,
      'live',
      'Availability is not known since 1 min; the hub checks it when you start.'
    ],
    [
      90,
      true,
      'ended',
      'Availability as of 1 min ago. You are logged out. Next: reload the page.'
    ],
    [3, true, 'none', 'Availability as of 3 s ago.'],
    [
      90,
      true,
      'none',
      'Availability as of 1 min ago. Reload the page to see changes.'
    ]
  ] as const)('%d s, known %s, %s', (age, known, connection, words) => {
    expect(describeAge({ age, connection, known })).toBe(words);
  });
});

describe('describeAge of what is still being counted', () => {
  it('says no time since which it is not known', () => {
    expect(
      describeAge({ age: 90, connection: 'live', known: false, counting: true })
    ).toBe(
      'What is free is still being counted; the hub checks it when you start.'
    );
  });
});

describe('Age', () => {
  it('grows from what it was when it arrived', () => {
    let now = 50_000;
    const age = new Age({ monotonic: () => now, seconds: 3 });
    now += 2000;
    expect(age.seconds).toBe(5);

    age.set(0.5);
    now += 1000;
    expect(age.seconds).toBe(1.5);
  });
});
