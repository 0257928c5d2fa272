import { Widget } from '@lumino/widgets';

import { followPage } from '../freshness';
import { RequestError } from '../../shared/request';
import { AWAY, setup } from './fixtures';

const LIVE_MS = 45_000;
const AWAY_MS = 3_000;

async function follow(visible: boolean) {
  const world = setup();
  const panel = new Widget();
  Object.defineProperty(panel, 'isVisible', { get: () => visible });
  const { model } = world;
  const poll = followPage({ model, panel, restored: Promise.resolve() });
  await jest.advanceTimersByTimeAsync(1);
  return { ...world, panel, poll };
}

describe('followPage', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('asks once while nobody looks, for the commands', async () => {
    const { poll, server } = await follow(false);
    await jest.advanceTimersByTimeAsync(10 * LIVE_MS);

    expect(server.asked).toEqual(['list']);
    poll.dispose();
  });

  it('asks in time for the server to go on listening', async () => {
    const { clock, poll, server } = await follow(true);
    for (let minute = 0; minute < 3; minute += 1) {
      clock.now += 60_000;
      await jest.advanceTimersByTimeAsync(60_000);
    }

    expect(server.asked.length).toBeGreaterThanOrEqual(4);
    expect(server.asked.length).toBeLessThanOrEqual(6);
    poll.dispose();
  });

  it('asks every few seconds while there is no answer', async () => {
    const { model, poll, server } = await follow(true);
    server.failures.list = AWAY;
    await model.refresh();
    const before = server.asked.length;
    await jest.advanceTimersByTimeAsync(4 * AWAY_MS);
    expect(server.asked.length - before).toBe(4);

    server.failures = {};
    await jest.advanceTimersByTimeAsync(AWAY_MS);
    expect(model.phase).toBe('live');
    poll.dispose();
  });

  it.each([
    ['clusters-off', true],
    ['visitor-not-owner', false]
  ])('ends with %s', async (code, gone) => {
    const { model, panel, poll, server } = await follow(true);
    server.failures.list = new RequestError({ code, message: 'No.' });
    await model.refresh();

    expect(poll.isDisposed).toBe(true);
    expect(panel.isDisposed).toBe(gone);
  });
});
