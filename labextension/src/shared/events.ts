/** The one event socket of the page, filtered and typed. */
import type { Event } from '@jupyterlab/services';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';

import type { ClustersChanged, Usage } from '../wire';

/**
 * Schema ids of the events that our server extension sends.
 */
export const EVENT_CLUSTERS = 'urn:sandlot:event:clusters:v1';
export const EVENT_USAGE = 'urn:sandlot:event:usage:v1';

/**
 * What each event carries. The server validates against the schema before it sends.
 */
interface IPayloads {
  [EVENT_CLUSTERS]: ClustersChanged;
  [EVENT_USAGE]: Usage;
}

/**
 * Listen to one kind of event. JupyterLab holds the socket, reconnects it and shares it
 * among all listeners; a browser allows few connections to one server.
 *
 * @returns a disposable that ends the listening
 */
export function onServerEvent<K extends keyof IPayloads>(
  events: Event.IManager,
  schema: K,
  listener: (payload: IPayloads[K]) => void
): IDisposable {
  const slot = (_: Event.IManager, emission: Event.Emission) => {
    if (emission.schema_id === schema) {
      listener(emission as unknown as IPayloads[K]);
    }
  };
  events.stream.connect(slot);
  return new DisposableDelegate(() => {
    events.stream.disconnect(slot);
  });
}
