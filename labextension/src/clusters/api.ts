import { URLExt } from '@jupyterlab/coreutils';
import type { ServerConnection } from '@jupyterlab/services';

import { getJson, postJson, routeUrl, sendDelete } from '../shared/request';
import type {
  AdaptiveWish,
  Availability,
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

  /**
   * How many accelerators are free.
   */
  availability(): Promise<Availability>;
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
    availability: () => getJson('availability', settings),
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

/**
 * The address of the dashboard of a cluster, or of something below it.
 */
export function dashboardUrl(
  name: string,
  path: string,
  settings: ServerConnection.ISettings
): string {
  return URLExt.join(routeUrl(`${route(name)}/dashboard`, settings), path);
}
