import { act, fireEvent, screen } from '@testing-library/react';

import { cluster, pending, setup } from './fixtures';
import { click, show } from './page';

describe('ClusterCard', () => {
  it('says what it waits for while it starts', async () => {
    const world = setup();
    world.server.clusters = [pending('a')];
    const container = await show(world);

    expect(container.textContent).toContain('◐ Starting');
    expect(container.textContent).toContain('Its scheduler is starting.');
    expect(screen.queryByRole('button', { name: 'Insert code' })).toBeNull();
  });

  it('says what a running one is and has', async () => {
    const world = setup();
    world.server.clusters = [
      cluster({
        name: 'a1b2c3d4'.repeat(4),
        workers: { running: 2, starting: 1, stopping: 0, wanted: 3 }
      })
    ];
    const container = await show(world);

    for (const words of [
      '● Running · started',
      '2 of 3 workers · 2 cores · 4 GiB',
      'SciPy 2026-11 · each worker: Small · 1 core · 2 GiB'
    ]) {
      expect(container.textContent).toContain(words);
    }
    expect(screen.getByRole('heading').textContent).toBe('a1b2c3d4');
  });

  it('says what workers wait for that are wanted and not there', async () => {
    const world = setup();
    world.server.clusters = [
      cluster({
        detail: 'No node has room for a worker.',
        workers: { running: 2, starting: 2, stopping: 0, wanted: 4 }
      })
    ];
    const container = await show(world);
    const waits = () => container.querySelector('.jp-sandlot-Waits');
    expect(waits()?.textContent).toBe('◐ No node has room for a worker.');
    expect(waits()?.previousElementSibling?.textContent).toContain(
      '2 of 4 workers'
    );

    world.server.change('training', { detail: '' });
    await act(() => world.model.refresh());
    expect(waits()).toBeNull();
  });

  it('tells why one failed, and shows its log to who opens it', async () => {
    const world = setup();
    world.server.clusters = [
      cluster({
        code: 'scheduler-ended',
        next: 'Next: start another cluster.',
        reason: 'Its scheduler ended with exit code 1.',
        status: 'FAILED'
      })
    ];
    const container = await show(world);
    expect(container.textContent).toContain(
      'ended with exit code 1. Next: start another cluster. scheduler-ended'
    );
    expect(container.textContent).toContain('scheduler-ended');
    expect(world.server.asked).not.toContain('log');

    const details = container.querySelector('details');
    await act(async () => {
      details?.setAttribute('open', '');
      details?.dispatchEvent(new Event('toggle'));
      await Promise.resolve();
    });
    const log = (name: string) => screen.getByRole('region', { name });
    expect(log('Log: Scheduler').textContent).toBe('it began');
    expect(log('Log: Worker w1').textContent).toBe('out of memory');
  });

  it('tells why one ends that nobody has stopped', async () => {
    const world = setup();
    const lost = {
      code: 'vanished',
      reason: 'Its scheduler was removed from the cluster.',
      status: 'STOPPING'
    } as const;
    world.server.clusters = [cluster(lost)];
    const container = await show(world);
    expect(container.textContent).toContain('◌ Stopping');
    expect(container.textContent).toContain('removed from the cluster.');

    world.server.change('training', { code: '', reason: '' });
    await act(() => world.model.refresh());
    expect(container.querySelector('details')).toBeNull();
  });

  it('inserts, copies and stops', async () => {
    const world = setup();
    world.server.clusters = [cluster()];
    await show(world);
    fireEvent.pointerDown(screen.getByRole('button', { name: 'Insert code' }));
    await click('Insert code');
    await click('Copy code');
    await click('Stop cluster');
    await act(() => world.model.refresh());

    expect(world.done).toEqual([
      'drag training',
      'insert training',
      'copy training'
    ]);
    expect(world.server.ordered).toEqual(['stop training']);
  });

  it('opens plots: the usual ones at once, the others from the list', async () => {
    const world = setup();
    world.server.clusters = [cluster()];
    const container = await show(world);
    await click('Tasks');
    const details = container.querySelector('details');
    await act(async () => {
      details?.setAttribute('open', '');
      details?.dispatchEvent(new Event('toggle'));
      await Promise.resolve();
    });
    await click('Progress');

    expect(world.done).toEqual([
      'open training /individual-task-stream Tasks',
      'open training /individual-progress Progress'
    ]);
  });

  it('says that it ends, and takes that back', async () => {
    const world = setup();
    world.server.clusters = [cluster()];
    const container = await show(world);
    act(() => {
      world.model.leave('training');
    });
    expect(container.textContent).toContain('It ends in a moment.');
    expect(screen.queryByRole('button', { name: 'Stop cluster' })).toBeNull();
    const undo = screen.getByRole('button', { name: 'Undo' });
    expect(document.activeElement).toBe(undo);

    await click('Undo');
    expect(screen.getByRole('button', { name: 'Stop cluster' })).toBeTruthy();
    expect(world.server.ordered).toEqual([]);
  });

  it('tells why it has no workers', async () => {
    const world = setup();
    const unmet = { code: 'dask-workers', message: 'You may have 2 workers.' };
    world.server.clusters = [cluster({ unmet })];
    await show(world);

    expect(screen.getByRole('alert').textContent).toBe(
      'You may have 2 workers. dask-workers'
    );
  });

  it.each([
    ['scipy', ''],
    ['base', 'dask 2026.8.0 here, 2026.7.1 in the cluster. Next:'],
    ['gone', 'may have other versions. Next:']
  ])('compares the versions of the image %s', async (slug, words) => {
    const world = setup();
    world.server.clusters = [cluster({ image: { ...cluster().image, slug } })];
    await show(world);
    await act(() => world.model.refresh());
    const note = screen.queryByRole('note');

    expect(note?.textContent ?? '').toContain(words);
    expect(note === null).toBe(words === '');
  });

  it('shows the text of a server as text', async () => {
    const world = setup();
    world.server.clusters = [
      cluster({ reason: '<img src=x onerror=alert(1)>', status: 'FAILED' })
    ];
    const container = await show(world);

    expect(container.querySelector('img')).toBeNull();
    expect(container.textContent).toContain('<img src=x');
  });
});

describe('Scaling', () => {
  async function showWorkers() {
    const world = setup();
    world.server.clusters = [cluster()];
    await show(world);
    return world;
  }

  it('has one worker more, and one less', async () => {
    const world = await showWorkers();
    await click('One worker more');
    await act(() => world.model.refresh());
    await click('One worker less');
    await act(() => world.model.refresh());

    expect(world.server.ordered).toEqual(['scale 3', 'scale 1']);
  });

  it('takes the slider where it is let go', async () => {
    const world = await showWorkers();
    const slider = screen.getByRole('slider', { name: 'Workers, by slider' });
    expect(slider.getAttribute('max')).toBe('8');
    fireEvent.change(slider, { target: { value: '4' } });
    fireEvent.change(slider, { target: { value: '6' } });
    expect(world.server.ordered).toEqual([]);

    await act(async () => {
      fireEvent.pointerUp(slider);
      fireEvent.blur(slider);
      await world.model.refresh();
    });
    expect(world.server.ordered).toEqual(['scale 6']);
  });

  it('takes a number with Enter, and not before', async () => {
    const world = await showWorkers();
    const input = screen.getByRole('spinbutton', { name: 'Number of workers' });
    fireEvent.change(input, { target: { value: '5' } });
    await act(async () => {
      fireEvent.keyDown(input, { key: '5' });
      await world.model.refresh();
    });
    expect(world.server.ordered).toEqual([]);

    await act(async () => {
      fireEvent.keyDown(input, { key: 'Enter' });
      await world.model.refresh();
    });
    expect(world.server.ordered).toEqual(['scale 5']);
  });

  it.each(['', '-1', '1.5'])('orders nothing for %j', async value => {
    const world = await showWorkers();
    const input = screen.getByRole('spinbutton', { name: 'Number of workers' });
    fireEvent.change(input, { target: { value } });
    await act(async () => {
      fireEvent.blur(input);
      await world.model.refresh();
    });

    expect(world.server.ordered).toEqual([]);
  });

  it('adapts up to the limit, within what is typed, and stops adapting', async () => {
    const world = await showWorkers();
    const box = screen.getByRole('checkbox', { name: 'adapt to the work' });
    await act(async () => {
      fireEvent.click(box);
      await world.model.refresh();
    });
    world.server.change('training', { adaptive: { maximum: 8, minimum: 0 } });
    await act(() => world.model.refresh());
    const most = screen.getByRole('spinbutton', { name: 'Most workers' });
    fireEvent.change(most, { target: { value: '3' } });
    await act(async () => {
      fireEvent.blur(most);
      await world.model.refresh();
    });
    await act(async () => {
      fireEvent.click(box);
      await world.model.refresh();
    });

    expect(world.server.ordered).toEqual([
      'adapt {"maximum":8,"minimum":0,"active":true}',
      'adapt {"maximum":3,"minimum":0,"active":true}',
      'adapt {"maximum":null,"minimum":null,"active":false}'
    ]);
  });
});
