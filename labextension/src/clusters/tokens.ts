/** What other features and extensions may know of the clusters, and do with them. */
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { RequestError } from '../shared/request';
import type { IAged, Phase } from '../status/tokens';
import type { PageCluster, PageClusters } from '../wire';

/**
 * What somebody wants of a new cluster.
 */
export interface IClusterChoice {
  /**
   * Slug of the image; empty: the one of this server.
   */
  readonly image: string;

  /**
   * Slug of the size of a worker; empty: the first that there is.
   */
  readonly workerSize: string;

  /**
   * So many workers, unless it is adaptive.
   */
  readonly workers: number;

  /**
   * Between so many workers, when it has as many as there is work for; null otherwise.
   */
  readonly adaptive: IWorkerRange | null;
}

/**
 * The bounds of adaptive scaling.
 */
export interface IWorkerRange {
  readonly minimum: number;
  readonly maximum: number;
}

/**
 * The Dask clusters of the owner of this server.
 */
export interface IClustersModel {
  /**
   * `empty`: clusters are not for this person here, and `error` says why. A list without
   * clusters is `live`.
   */
  readonly phase: Phase;

  /**
   * The latest list; null before the first.
   */
  readonly list: IAged<PageClusters> | null;

  /**
   * Why the last refresh brought nothing; null when it did.
   */
  readonly error: RequestError | null;

  /**
   * The cluster whose state changed last: for who cannot see the list.
   */
  readonly news: PageCluster | null;

  /**
   * Whether a cluster is being ordered right now.
   */
  readonly creating: boolean;

  /**
   * Why the last order for a cluster was refused; null when it was not. The name is empty
   * for an order for a new one.
   */
  refusal(name: string): RequestError | null;

  /**
   * How many workers a cluster was asked for: at once, before the list says so.
   */
  wanted(cluster: PageCluster): number;

  /**
   * Whether somebody has stopped a cluster and may still think better of it.
   */
  leaving(name: string): boolean;

  /**
   * Emitted after every change of any of the above.
   */
  readonly changed: ISignal<IClustersModel, void>;

  /**
   * Ask the server again. Never rejects: a failure is a state.
   */
  refresh(): Promise<void>;

  /**
   * Order a cluster, and its workers as soon as it can have them. Never rejects.
   */
  create(choice: IClusterChoice): Promise<void>;

  /**
   * Have a cluster have so many workers. Never rejects.
   */
  scale(name: string, count: number): Promise<void>;

  /**
   * Have a cluster scale by itself within the range; null: it stays as large as it is. Never
   * rejects.
   */
  adapt(name: string, range: IWorkerRange | null): Promise<void>;

  /**
   * End a cluster, without asking anybody. Never rejects.
   */
  stop(name: string): Promise<void>;

  /**
   * Show a cluster as one that ends in a moment.
   */
  leave(name: string): void;

  /**
   * Show it as before: it does not end.
   */
  stay(name: string): void;
}

/**
 * The token of the clusters model.
 */
export const IClustersModel = new Token<IClustersModel>(
  'sandlot:IClustersModel',
  'The Dask clusters of the owner of this server.'
);
