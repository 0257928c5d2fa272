import { act, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';

import { RequestError } from '../../shared/request';
import { ClustersView } from '../view';
import { AWAY, cluster, pending, setup } from './fixtures';
import { click, show } from './page';

describe('ClustersView', () => {
  it('says in words that it loads', () => {
    const { context } = setup();
    const { container } = render(<ClustersView context={context} />);

    expect(container.querySelector('[aria-busy="true"]')).not.toBeNull();
    expect(container.textContent).toContain('Asking for your clusters…');
  });

  it('is one sentence and one main button when there are none', async () => {
    const container = await show(setup());

    expect(container.textContent).toContain('You have no clusters.');
    expect(container.querySelectorAll('.jp-mod-primary')).toHaveLength(1);
  });

  it('creates with one click what was chosen last', async () => {
    const world = setup();
    await show(world);
    world.memory.choice = { ...world.memory.choice, workerSize: 'large' };
    await act(async () => {
      await world.model.create(world.context.choice());
    });
    await click('+ New cluster');

    expect(world.server.ordered[0]).toBe(
      'create {"image":"scipy","worker_size":"large","workers":2}'
    );
    expect(screen.getAllByRole('listitem').length).toBeGreaterThan(0);
  });

  it('tells a refusal with its code', async () => {
    const world = setup();
    const container = await show(world);
    world.server.failures.create = new RequestError({
      code: 'dask-clusters-limit',
      message: 'You have 3 of 3 clusters. Stop one.'
    });
    await click('+ New cluster');
    await act(() => world.model.refresh());

    expect(screen.getByRole('alert').textContent).toContain('Stop one.');
    expect(container.textContent).toContain('dask-clusters-limit');
  });

  it('keeps what it knew while the gateway is away, and recovers', async () => {
    const world = setup();
    world.server.clusters = [cluster()];
    const container = await show(world);
    world.server.failures.list = AWAY;
    await act(() => world.model.refresh());
    expect(container.textContent).toMatch(/As of .*, reconnecting…/);
    expect(container.textContent).toContain('cannot be reached');
    expect(container.textContent).toContain('training');

    world.server.failures = {};
    await act(() => world.model.refresh());
    expect(container.textContent).not.toContain('reconnecting');
  });

  it('gives the reason of a failure, its code, and another try', async () => {
    const world = setup();
    world.server.failures.list = AWAY;
    const container = await show(world);
    expect(container.textContent).toContain('cannot be reached');
    expect(container.textContent).toContain('service-unreachable');

    world.server.failures = {};
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
      await world.model.refresh();
    });
    expect(container.textContent).toContain('You have no clusters.');
  });

  it('tells a visitor why there is nothing, and offers nothing', async () => {
    const world = setup();
    world.server.failures.list = new RequestError({
      code: 'visitor-not-owner',
      message: 'This is for its owner only.'
    });
    const container = await show(world);

    expect(container.textContent).toBe(
      'You are visiting the server of somebody else. The Dask clusters of its owner are not shown to visitors. Next: use a server of your own to have clusters.'
    );
    expect(screen.queryByRole('button')).toBeNull();
  });

  it('says aloud what became of a cluster', async () => {
    const world = setup();
    world.server.clusters = [pending('a')];
    await show(world);
    world.server.change('a', { status: 'RUNNING' });
    await act(() => world.model.refresh());

    expect(screen.getByRole('status').textContent).toBe(
      'Cluster a is running.'
    );
  });

  it('changes no place under the pointer', async () => {
    const world = setup();
    world.server.clusters = [pending('old')];
    await show(world);
    const list = screen.getByRole('list', { name: 'Your clusters' });
    const names = () =>
      [...list.querySelectorAll('h3')].map(node => node.textContent);
    fireEvent.pointerEnter(list);
    world.server.clusters = [pending('new'), ...world.server.clusters];
    await act(() => world.model.refresh());
    expect(names()).toEqual(['old', 'new']);

    fireEvent.pointerLeave(list);
    expect(names()).toEqual(['new', 'old']);
  });
});

describe('ClusterForm', () => {
  it('offers what goes together, remembers the choice and creates it', async () => {
    const world = setup();
    await show(world);
    await click(/Options/);
    const sizes = () => screen.getAllByRole('radio');
    expect(sizes()).toHaveLength(2);
    const image = screen.getByRole('combobox', { name: 'Image' });
    expect(image.textContent).toContain('The one of this server (SciPy');

    fireEvent.change(image, { target: { value: 'base' } });
    expect(sizes()).toHaveLength(1);
    fireEvent.change(image, { target: { value: 'scipy' } });
    fireEvent.click(screen.getByRole('radio', { name: /Large/ }));
    fireEvent.change(screen.getByRole('spinbutton', { name: 'Number' }), {
      target: { value: '4' }
    });
    expect(document.body.textContent).toContain('8 workers');
    await act(async () => {
      fireEvent.submit(screen.getByRole('form', { name: 'New cluster' }));
      await world.model.refresh();
    });

    expect(world.server.ordered).toEqual([
      'create {"image":"scipy","worker_size":"large","workers":4}'
    ]);
    expect(world.memory.choice).toEqual({
      adaptive: null,
      image: 'scipy',
      workers: 4,
      workerSize: 'large'
    });
  });

  it('says why there is nothing to choose, and tries again', async () => {
    const world = setup();
    world.server.failures.options = AWAY;
    const container = await show(world);
    await click(/Options/);
    expect(container.textContent).toContain('cannot be reached');

    world.server.failures = {};
    await click('Try again');
    expect(screen.getAllByRole('radio')).toHaveLength(2);
  });
});
