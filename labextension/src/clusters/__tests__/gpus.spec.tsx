import { render, screen } from '@testing-library/react';
import { nullTranslator } from '@jupyterlab/translation';
import React from 'react';

import { ClusterForm } from '../form';
import * as texts from '../texts';
import {
  AWAY,
  cluster,
  freeGpus,
  GPU,
  OPTIONS,
  setup,
  SMALL
} from './fixtures';
import { show } from './page';

const trans = nullTranslator.load('sandlot');
const WITH_GPUS = {
  ...OPTIONS,
  limits: { ...OPTIONS.limits, accelerators: 4 },
  pairs: [...OPTIONS.pairs, ['scipy', 'gpu'] as [string, string]],
  sizes: [...OPTIONS.sizes, GPU]
};

async function open(
  world: ReturnType<typeof setup>,
  shown: RegExp
): Promise<HTMLElement> {
  const { context } = world;
  const { container } = render(
    <ClusterForm context={context} onCreate={() => undefined} />
  );
  await screen.findByLabelText(shown);
  return container;
}

describe('Clusters with GPUs', () => {
  it('count those of all workers on the card', async () => {
    const world = setup();
    world.server.clusters = [cluster({ size: GPU })];
    const container = await show(world);

    expect(container.querySelector('.jp-sandlot-Workers')?.textContent).toBe(
      '2 of 2 workers · 2 cores · 4 GiB · 4 × NVIDIA L4'
    );
    expect(container.textContent).toContain(
      'each worker: Two GPUs · 1 core · 2 GiB · 2 × NVIDIA L4'
    );
  });

  it('are offered with what is free now, and the limit', async () => {
    const world = setup();
    world.server.offered = WITH_GPUS;
    world.server.free = freeGpus({ free: 3 });
    const container = await open(world, /Two GPUs .* 3 of 4 free/);

    expect(container.textContent).toContain('8 workers · 4 GPUs');
  });

  it('are offered when nobody knows what is free', async () => {
    const world = setup();
    world.server.offered = WITH_GPUS;
    world.server.failures.availability = AWAY;

    await open(world, /Two GPUs .* NVIDIA L4$/);
    expect(world.server.asked).toContain('availability');
  });

  it('are nothing that is asked for or told of where no size has any', async () => {
    const world = setup();
    world.server.offered = {
      ...OPTIONS,
      limits: { ...OPTIONS.limits, accelerators: 4 }
    };
    const container = await open(world, /Small/);

    expect(world.server.asked).not.toContain('availability');
    expect(container.textContent).not.toContain('GPU');
  });
});

describe('offeredText', () => {
  it.each([
    ['some', GPU, freeGpus({}), ' · 4 of 4 free'],
    ['none', GPU, freeGpus({ free: 0 }), ' · none of 4 free'],
    [
      'others',
      GPU,
      freeGpus({ free: 0, waiting: 2 }),
      ' · none of 4 free, 2 waiting'
    ],
    ['not known', GPU, { ...freeGpus({}), known: false }, ''],
    ['not asked', GPU, null, ''],
    ['another kind', GPU, { ...freeGpus({}), flavors: [] }, ''],
    ['no GPU', SMALL, freeGpus({}), '']
  ])('tells of %s', (_, size, free, said) => {
    expect(texts.offeredText(size, free, trans)).toBe(
      texts.sizeText(size, trans) + said
    );
  });
});
