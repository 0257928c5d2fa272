import { SessionModel } from '../model';
import { DOWN, FakeServer, offers, USAGE, view } from './fixtures';

function setup() {
  const server = new FakeServer();
  const clock = { now: 1000 };
  const model = new SessionModel({ api: server, now: () => clock.now });
  let changes = 0;
  model.changed.connect(() => {
    changes += 1;
  });
  return { changes: () => changes, clock, model, server };
}

describe('SessionModel', () => {
  it('begins by loading', () => {
    const { model, server } = setup();

    expect(model.phase).toBe('loading');
    expect(model.view).toBeNull();
    expect(server.asked).toEqual([]);
  });

  it('becomes live', async () => {
    const { changes, model } = setup();
    await model.refresh();

    expect(model.phase).toBe('live');
    expect(model.view).toEqual(view());
    expect(model.usage).toEqual({ at: 1000, value: USAGE });
    expect(changes()).toBe(1);
  });

  it('is empty on a server that Sandlot did not start, and measures nothing', async () => {
    const { model, server } = setup();
    server.replies.session = view({ session: null });
    await model.refresh();

    expect(model.phase).toBe('empty');
    expect(server.asked).toEqual(['session']);
  });

  it('fails with the reason, and a retry shows that it tries', async () => {
    const { model, server } = setup();
    server.replies.session = DOWN;
    await model.refresh();
    expect([model.phase, model.error]).toEqual(['failed', DOWN]);

    server.replies.session = view();
    const retry = model.refresh();
    expect(model.phase).toBe('loading');
    await retry;
    expect([model.phase, model.error]).toEqual(['live', null]);
  });

  it('gets stale, keeps what it knew, and says since when', async () => {
    const { clock, model, server } = setup();
    await model.refresh();
    server.goDown();
    clock.now = 9000;
    await model.refresh();

    expect(model.phase).toBe('stale');
    expect(model.view).toEqual(view());
    expect(model.usage?.at).toBe(1000);
    expect(model.error).toBe(DOWN);
  });

  it('reads the session again after a pause: another server may be back', async () => {
    const { model, server } = setup();
    await model.refresh();
    server.goDown();
    await model.refresh();
    const other = view({ viewer: 'bob', visitor: true });
    server.replies = {
      availability: DOWN,
      offers: DOWN,
      session: other,
      usage: USAGE
    };
    await model.refresh();

    expect([model.phase, model.view]).toEqual(['live', other]);
  });

  it('asks for the usage only while it is live', async () => {
    const { model, server } = setup();
    await model.refresh();
    await model.refresh();

    expect(server.asked).toEqual(['session', 'usage', 'usage']);
  });

  it('shows the session when only the usage is missing', async () => {
    const { model, server } = setup();
    server.replies.usage = DOWN;
    await model.refresh();

    expect([model.phase, model.view]).toEqual(['stale', view()]);
    expect(model.usage).toBeNull();
  });

  it('asks once when it is asked twice at a time', async () => {
    const { model, server } = setup();
    await Promise.all([model.refresh(), model.refresh()]);

    expect(server.asked).toEqual(['session', 'usage']);
  });

  it('takes over what the server tells', async () => {
    const { changes, clock, model } = setup();
    await model.refresh();
    clock.now = 2000;
    model.receiveUsage({ ...USAGE, processes: 9 });

    expect(model.usage).toEqual({
      at: 2000,
      value: { ...USAGE, processes: 9 }
    });
    expect(changes()).toBe(2);
  });

  it('asks at once when a stale server tells something', async () => {
    const { model, server } = setup();
    await model.refresh();
    server.goDown();
    await model.refresh();
    server.replies = new FakeServer().replies;
    model.receiveUsage(USAGE);
    await model.refresh();

    expect(model.phase).toBe('live');
  });

  it('takes any mistake for a failure, not for an unhandled rejection', async () => {
    const { model, server } = setup();
    server.replies.session = new Error('oops');
    await model.refresh();

    expect([model.phase, model.error?.code]).toEqual(['failed', 'internal']);
  });
});

describe('SessionModel.checkHub', () => {
  it('asks only for the owner of a server of Sandlot', async () => {
    const { model, server } = setup();
    await model.checkHub();
    server.replies.session = view({ viewer: 'bob', visitor: true });
    await model.refresh();
    await model.checkHub();

    expect(server.asked).not.toContain('offers');
    expect(model.hub.phase).toBe('loading');
  });

  it('goes through live, stale and live again', async () => {
    const { clock, model, server } = setup();
    await model.refresh();
    await model.checkHub();
    expect(model.hub).toMatchObject({ error: null, phase: 'live' });

    server.replies.offers = DOWN;
    clock.now = 5000;
    await model.checkHub();
    expect(model.hub).toMatchObject({ error: DOWN, phase: 'stale' });
    expect(model.hub.offers?.at).toBe(1000);

    server.replies.offers = offers('available');
    await model.checkHub();
    expect(model.hub).toMatchObject({ error: null, phase: 'live' });
    expect(model.hub.offers?.at).toBe(5000);
    expect(model.phase).toBe('live');
  });

  it('fails when the hub never answered', async () => {
    const { model, server } = setup();
    server.replies.offers = DOWN;
    await model.refresh();
    await model.checkHub();

    expect(model.hub).toMatchObject({
      error: DOWN,
      accelerators: null,
      offers: null,
      phase: 'failed'
    });
  });

  it('knows which accelerators are free, as long as the hub answers', async () => {
    const { clock, model, server } = setup();
    await model.refresh();
    clock.now = 5000;
    await model.checkHub();
    expect(model.hub.accelerators).toEqual({
      at: 5000,
      value: server.replies.availability
    });

    server.goDown();
    await model.checkHub();
    expect([model.hub.phase, model.hub.accelerators]).toEqual(['stale', null]);
  });

  it('gets by with a hub that does not know of accelerators', async () => {
    const { model, server } = setup();
    await model.refresh();
    server.replies.availability = DOWN;
    await model.checkHub();

    expect([model.hub.phase, model.hub.accelerators]).toEqual(['live', null]);
  });
});
