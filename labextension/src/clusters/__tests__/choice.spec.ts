import {
  FIRST_CHOICE,
  fitChoice,
  flattenChoice,
  parseChoice,
  sizesFor,
  wishFor
} from '../choice';
import { LARGE, OPTIONS, SMALL } from './fixtures';

describe('wishFor', () => {
  it.each([
    [
      'the image of the server',
      {},
      'scipy',
      { image: 'scipy', worker_size: 'small' }
    ],
    [
      'the first when the server has another image',
      {},
      'mine',
      { image: 'base', worker_size: 'small' }
    ],
    [
      'what was chosen',
      { image: 'scipy', workerSize: 'large' },
      'base',
      { image: 'scipy', worker_size: 'large' }
    ],
    [
      'what there still is',
      { image: 'gone', workerSize: 'gone' },
      'scipy',
      { image: 'scipy', worker_size: 'small' }
    ],
    [
      'a size that goes with the image',
      { image: 'base', workerSize: 'large' },
      'scipy',
      { image: 'base', worker_size: 'small' }
    ]
  ])('orders %s', (_, chosen, serverImage, wish) => {
    expect(
      wishFor({ ...FIRST_CHOICE, ...chosen }, OPTIONS, serverImage)
    ).toEqual({ ...wish, workers: 2 });
  });

  it('leaves to the gateway what nobody knows', () => {
    const nothing = { ...OPTIONS, images: [], pairs: [], sizes: [] };

    expect(wishFor(FIRST_CHOICE, nothing, 'scipy')).toEqual({ workers: 2 });
  });
});

describe('sizesFor', () => {
  it('keeps pairs', () => {
    expect(sizesFor('base', OPTIONS)).toEqual([SMALL]);
    expect(sizesFor('scipy', OPTIONS)).toEqual([SMALL, LARGE]);
  });
});

describe('fitChoice', () => {
  it('stays within the limit of workers', () => {
    const adaptive = { maximum: 50, minimum: 20 };
    const fitted = fitChoice(
      { ...FIRST_CHOICE, adaptive, workers: 50 },
      OPTIONS,
      ''
    );

    expect(fitted.workers).toBe(8);
    expect(fitted.adaptive).toEqual({ maximum: 8, minimum: 8 });
  });
});

describe('parseChoice', () => {
  it.each([
    ['workers', { ...FIRST_CHOICE, workers: 7 }],
    [
      'everything',
      {
        adaptive: { maximum: 6, minimum: 1 },
        image: 'base',
        workers: 3,
        workerSize: 'small'
      }
    ]
  ])('reads back %s', (_, choice) => {
    expect(parseChoice(flattenChoice(choice))).toEqual(choice);
  });

  it.each([[null], [undefined], [{}], [{ image: 1, workers: -1 }], ['x']])(
    'takes %j for nothing chosen',
    found => {
      expect(parseChoice(found)).toEqual(FIRST_CHOICE);
    }
  );
});
