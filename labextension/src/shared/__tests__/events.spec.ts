import type { Event } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';

import { EVENT_USAGE, onServerEvent } from '../events';

function eventManager() {
  const signal = new Signal<object, Event.Emission>({});
  return {
    events: { stream: signal } as unknown as Event.IManager,
    emit: (schema_id: string, payload: object) => {
      signal.emit({ schema_id, ...payload });
    }
  };
}

describe('onServerEvent', () => {
  it('hears its own kind only, until it is disposed', () => {
    const { emit, events } = eventManager();
    const heard: number[] = [];
    const listening = onServerEvent(events, EVENT_USAGE, usage => {
      heard.push(usage.memory_bytes);
    });

    emit(EVENT_USAGE, { memory_bytes: 1 });
    emit('https://events.jupyter.org/jupyter_server/contents_service/v1', {
      memory_bytes: 2
    });
    listening.dispose();
    emit(EVENT_USAGE, { memory_bytes: 3 });

    expect(heard).toEqual([1]);
  });
});
