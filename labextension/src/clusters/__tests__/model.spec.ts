import { RequestError } from '../../shared/request';
import { FIRST_CHOICE } from '../choice';
import { AWAY, cluster, pending, setup } from './fixtures';

function refused(code: string): RequestError {
  return new RequestError({ code, message: 'No.' });
}

/**
 * Until everything that was ordered has its answer.
 */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) {
    await Promise.resolve();
  }
}

describe('ClustersModel.refresh', () => {
  it('begins by loading, and asks nothing by itself', () => {
    const { model, server } = setup();

    expect([model.phase, model.list]).toEqual(['loading', null]);
    expect(server.asked).toEqual([]);
  });

  it('becomes live, with no clusters as well', async () => {
    const { model } = setup();
    await model.refresh();

    expect(model.phase).toBe('live');
    expect(model.list?.value.clusters).toEqual([]);
    expect(model.list?.at).toBe(1000);
  });

  it('gets stale, keeps what it knew, says since when, and recovers', async () => {
    const { clock, model, server } = setup();
    server.clusters = [cluster()];
    await model.refresh();
    server.failures.list = AWAY;
    clock.now = 9000;
    await model.refresh();
    expect([model.phase, model.error, model.list?.at]).toEqual([
      'stale',
      AWAY,
      1000
    ]);
    expect(model.list?.value.clusters).toEqual([cluster()]);

    server.failures = {};
    await model.refresh();
    expect([model.phase, model.error, model.list?.at]).toEqual([
      'live',
      null,
      9000
    ]);
  });

  it('fails with the reason when it never knew anything', async () => {
    const { model, server } = setup();
    server.failures.list = AWAY;
    await model.refresh();

    expect([model.phase, model.error]).toEqual(['failed', AWAY]);
  });

  it.each(['clusters-off', 'services-unknown', 'visitor-not-owner'])(
    'knows from %s that there is nothing here for this person',
    async code => {
      const { model, server } = setup();
      server.failures.list = refused(code);
      await model.refresh();

      expect([model.phase, model.error?.code]).toEqual(['empty', code]);
    }
  );

  it('asks again after an answer that may be older than the call', async () => {
    const { model, server } = setup();
    const first = model.refresh();
    server.clusters = [cluster()];
    await Promise.all([first, model.refresh(), model.refresh()]);

    expect(server.asked).toEqual(['list', 'list']);
    expect(model.list?.value.clusters).toHaveLength(1);
  });
});

describe('ClustersModel.news', () => {
  it('tells what became of a cluster, and nothing of the first list', async () => {
    const { model, server } = setup();
    server.clusters = [pending('a')];
    await model.refresh();
    expect(model.news).toBeNull();

    server.change('a', { status: 'RUNNING' });
    await model.refresh();
    expect(model.news).toMatchObject({ name: 'a', status: 'RUNNING' });

    server.clusters = [];
    await model.refresh();
    expect(model.news).toMatchObject({ name: 'a', status: 'STOPPED' });
  });
});

describe('ClustersModel.create', () => {
  it('orders in the image of the server, and says how many workers', async () => {
    const { model, server } = setup();
    const created = model.create(FIRST_CHOICE);
    expect(model.creating).toBe(true);
    await created;
    expect(model.creating).toBe(false);
    expect(server.ordered).toEqual([
      'create {"image":"scipy","worker_size":"small","workers":2}'
    ]);
  });

  it('makes it adaptive when that was chosen', async () => {
    const { model, server } = setup();
    const adaptive = { maximum: 4, minimum: 1 };
    await model.create({ ...FIRST_CHOICE, adaptive });

    expect(server.ordered).toEqual([
      'create {"image":"scipy","worker_size":"small","adaptive":{"maximum":4,"minimum":1}}'
    ]);
  });

  it('leaves clusters alone that others made', async () => {
    const { model, server } = setup();
    server.clusters = [cluster()];
    await model.refresh();
    await settled();

    expect(server.ordered).toEqual([]);
  });

  it('orders once when it is clicked twice', async () => {
    const { model, server } = setup();
    await Promise.all([model.create(FIRST_CHOICE), model.create(FIRST_CHOICE)]);

    expect(server.ordered).toHaveLength(1);
  });

  it.each(['options', 'create'] as const)(
    'says why it was refused (%s), until the next one',
    async what => {
      const { model, server } = setup();
      const error = refused('clusters-limit');
      server.failures[what] = error;
      await model.create(FIRST_CHOICE);
      expect(model.refusal('')).toBe(error);
      expect([model.phase, model.creating]).toEqual(['live', false]);

      server.failures = {};
      await model.create(FIRST_CHOICE);
      expect(model.refusal('')).toBeNull();
    }
  );
});

describe('ClustersModel.scale', () => {
  it('shows at once what was asked for', async () => {
    const { model, server } = setup();
    server.clusters = [cluster()];
    await model.refresh();
    const scaled = model.scale('training', 3);
    expect(model.wanted(cluster())).toBe(3);

    await scaled;
    expect(server.ordered).toEqual(['scale 3']);
    expect(model.wanted(cluster())).toBe(2);
  });

  it('orders the last of many, not each', async () => {
    const { model, server } = setup();
    await Promise.all(
      [3, 4, 5, 6].map(count => model.scale('training', count))
    );

    expect(server.ordered).toEqual(['scale 3', 'scale 6']);
  });

  it('forgets what was refused, and says why', async () => {
    const { model, server } = setup();
    server.failures.scale = refused('workers-limit');
    await model.scale('training', 99);

    expect(model.wanted(cluster())).toBe(2);
    expect(model.refusal('training')?.code).toBe('workers-limit');
    expect(model.refusal('')).toBeNull();
  });
});

describe('ClustersModel, other orders', () => {
  it('ends adaptive scaling without changing the size', async () => {
    const { model, server } = setup();
    await model.adapt('training', null);

    expect(server.ordered).toEqual([
      'adapt {"maximum":null,"minimum":null,"active":false}'
    ]);
  });

  it('stops, and looks at once what is left', async () => {
    const { model, server } = setup();
    server.clusters = [cluster()];
    await model.refresh();
    await model.stop('training');

    expect(model.list?.value.clusters).toEqual([]);
  });

  it('takes any mistake for a refusal, not for an unhandled rejection', async () => {
    const { model, server } = setup();
    server.failures.stop = new Error('oops');
    await model.stop('training');

    expect(model.refusal('training')?.code).toBe('internal');
  });
});
