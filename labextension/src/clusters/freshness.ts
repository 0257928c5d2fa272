/** When the list of clusters is asked for. */
import { Poll } from '@lumino/polling';
import type { Widget } from '@lumino/widgets';

import type { IClustersModel } from './tokens';

/**
 * The server listens for changes for 90 s after each question, and tells of them by event.
 */
const LIVE_MS = 45_000;

/**
 * While there is no answer, an event may be what does not arrive.
 */
const AWAY_MS = 3_000;

/**
 * Ask once when the page is there, and again and again while the panel can be seen.
 *
 * @returns the poll; it ends by itself where there are no clusters
 */
export function followPage(options: {
  model: IClustersModel;
  panel: Widget;
  restored: Promise<unknown>;
}): Poll {
  const { model, panel, restored } = options;
  const poll = new Poll({
    auto: false,
    factory: async () => {
      if (isDue(model, Date.now())) {
        await model.refresh();
      }
    },
    frequency: { backoff: false, interval: AWAY_MS },
    name: 'sandlot:clusters',
    standby: () => document.hidden || !panel.isVisible
  });
  model.changed.connect(() => {
    if (model.phase === 'empty') {
      poll.dispose();
    }
    if (model.error?.code === 'clusters-off') {
      panel.dispose();
    }
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && panel.isVisible) {
      void model.refresh();
    }
  });
  // For the commands, and to know whether there are clusters here at all.
  void restored.then(() => model.refresh()).then(() => poll.start());
  return poll;
}

function isDue(model: IClustersModel, now: number): boolean {
  const at = model.list?.at ?? 0;
  return model.phase !== 'live' || now - at >= LIVE_MS;
}
