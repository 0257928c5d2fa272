import type { ServerConnection } from '@jupyterlab/services';

import { getJson, postJson, sendDelete } from '../shared/request';
import type {
  AdaptiveWish,
  ClusterLog,
  ClusterOptions,
  ClusterWish,
  NewCluster,
  PageClusters,
  WorkersWish
} from '../wire';

/**
 * What is asked of the server. Each rejects with a `RequestError`.
 */
export interface IClustersApi {
  list(): Promise<PageClusters>;
  options(): Promise<ClusterOptions>;
  create(wish: Partial<ClusterWish>): Promise<NewCluster>;
  scale(name: string, wish: WorkersWish): Promise<void>;
  adapt(name: string, wish: AdaptiveWish): Promise<void>;
  stop(name: string): Promise<void>;
  log(name: string): Promise<ClusterLog>;

  /**
   * The plots of a dashboard: their routes, by what Dask calls them.
   */
  plots(name: string): Promise<Record<string, string>>;
}

/**
 * Ask the page's own server.
 */
export function clustersApi(
  settings: ServerConnection.ISettings
): IClustersApi {
  return {
    adapt: (name, wish) => postJson(`${route(name)}/adapt`, wish, settings),
    create: wish => postJson('clusters', wish, settings),
    list: () => getJson('clusters', settings),
    log: name => getJson(`${route(name)}/log`, settings),
    options: () => getJson('clusters/options', settings),
    plots: name =>
      getJson(`${route(name)}/dashboard/individual-plots.json`, settings),
    scale: (name, wish) => postJson(`${route(name)}/scale`, wish, settings),
    stop: name => sendDelete(route(name), settings)
  };
}

/**
 * The route of a cluster below the API; its dashboard is below this.
 */
export function route(name: string): string {
  return `clusters/${encodeURIComponent(name)}`;
}
