import type { ServerConnection } from '@jupyterlab/services';

import { getJson } from '../shared/request';
import type { Availability, OfferList, SessionView, Usage } from '../wire';

/**
 * What the session model asks of the server. Each rejects with a `RequestError`.
 */
export interface ISessionApi {
  session(): Promise<SessionView>;
  usage(): Promise<Usage>;
  offers(): Promise<OfferList>;
  availability(): Promise<Availability>;
}

/**
 * Ask the page's own server.
 */
export function sessionApi(settings: ServerConnection.ISettings): ISessionApi {
  return {
    session: () => getJson<SessionView>('session', settings),
    usage: () => getJson<Usage>('usage', settings),
    offers: () => getJson<OfferList>('offers', settings),
    availability: () => getJson<Availability>('availability', settings)
  };
}
