import { type ISignal, Signal } from '@lumino/signaling';

import { asRequestError, type RequestError } from '../shared/request';
import type { IAged, Phase } from '../status/tokens';
import type { ClusterWish, PageCluster, PageClusters } from '../wire';
import type { IClustersApi } from './api';
import { wishFor } from './choice';
import type { IClusterChoice, IClustersModel, IWorkerRange } from './tokens';

/**
 * Asking again does not help against these.
 */
const NOT_HERE = ['clusters-off', 'services-unknown', 'visitor-not-owner'];

/**
 * Keeps what is known of the clusters, and orders what is wanted of them. Whoever owns it
 * decides when to ask: it holds no timer.
 */
export class ClustersModel implements IClustersModel {
  constructor(options: ClustersModel.IOptions) {
    this._api = options.api;
    this._now = options.now ?? Date.now;
    this._serverImage = options.serverImage ?? (() => '');
  }

  get phase(): Phase {
    return this._phase;
  }

  get list(): IAged<PageClusters> | null {
    return this._list;
  }

  get error(): RequestError | null {
    return this._error;
  }

  get news(): PageCluster | null {
    return this._news;
  }

  get creating(): boolean {
    return this._creating;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  refusal(name: string): RequestError | null {
    return this._refusals.get(name) ?? null;
  }

  wanted(cluster: PageCluster): number {
    return this._counts.get(cluster.name) ?? cluster.workers.wanted;
  }

  leaving(name: string): boolean {
    return this._leaving.has(name);
  }

  refresh(): Promise<void> {
    // What is on its way may have been said before the change that this call is about.
    this._again = this._refreshing !== null;
    this._refreshing ??= this._refresh();
    return this._refreshing;
  }

  async create(choice: IClusterChoice): Promise<void> {
    if (this._creating) {
      return;
    }
    this._creating = true;
    this._changed.emit();
    await this._order('', async () => {
      await this._api.create(await this._wish(choice));
    });
    this._creating = false;
    this._changed.emit();
  }

  async scale(name: string, count: number): Promise<void> {
    const ordering = this._counts.has(name);
    this._counts.set(name, count);
    this._changed.emit();
    if (ordering) {
      // The call that runs goes on until the latest count is ordered.
      return;
    }
    for (let ordered = count; this._counts.has(name);) {
      ordered = this._counts.get(name) ?? ordered;
      const wish = { count: ordered };
      await this._order(name, () => this._api.scale(name, wish));
      if (this._counts.get(name) === ordered) {
        this._counts.delete(name);
      }
    }
    this._changed.emit();
  }

  async adapt(name: string, range: IWorkerRange | null): Promise<void> {
    const wish = range ?? { maximum: null, minimum: null };
    await this._order(name, () =>
      this._api.adapt(name, { ...wish, active: range !== null })
    );
  }

  async stop(name: string): Promise<void> {
    await this._order(name, () => this._api.stop(name));
    this._leaving.delete(name);
    this._changed.emit();
  }

  leave(name: string): void {
    this._leaving.add(name);
    this._changed.emit();
  }

  stay(name: string): void {
    this._leaving.delete(name);
    this._changed.emit();
  }

  private async _wish(choice: IClusterChoice): Promise<Partial<ClusterWish>> {
    return wishFor(choice, await this._api.options(), this._serverImage());
  }

  /**
   * Order something, and look at once what became of it.
   */
  private async _order(name: string, act: () => Promise<void>): Promise<void> {
    this._refusals.delete(name);
    try {
      await act();
    } catch (reason) {
      this._refusals.set(name, asRequestError(reason));
      this._changed.emit();
    }
    await this.refresh();
  }

  private async _refresh(): Promise<void> {
    do {
      await this._ask();
    } while (this._isWantedAgain());
    this._refreshing = null;
  }

  private _isWantedAgain(): boolean {
    const wanted = this._again;
    this._again = false;
    return wanted;
  }

  private async _ask(): Promise<void> {
    try {
      const value = await this._api.list();
      this._noteNews(value.clusters);
      this._list = { at: this._now(), value };
      this._phase = 'live';
      this._error = null;
    } catch (reason) {
      this._error = asRequestError(reason);
      this._phase = this._list ? 'stale' : 'failed';
      if (NOT_HERE.includes(this._error.code)) {
        this._phase = 'empty';
        this._list = null;
      }
    }
    this._changed.emit();
  }

  private _noteNews(clusters: readonly PageCluster[]): void {
    if (!this._list) {
      // The first list is no news.
      return;
    }
    const known = this._list.value.clusters;
    const other = clusters.find(
      each => find(known, each.name)?.status !== each.status
    );
    const gone = known.find(old => !find(clusters, old.name));
    this._news = other ?? (gone ? { ...gone, status: 'STOPPED' } : this._news);
  }

  private readonly _api: IClustersApi;
  private readonly _now: () => number;
  private readonly _serverImage: () => string;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _counts = new Map<string, number>();
  private readonly _leaving = new Set<string>();
  private readonly _refusals = new Map<string, RequestError>();
  private _again = false;
  private _creating = false;
  private _error: RequestError | null = null;
  private _list: IAged<PageClusters> | null = null;
  private _news: PageCluster | null = null;
  private _phase: Phase = 'loading';
  private _refreshing: Promise<void> | null = null;
}

export namespace ClustersModel {
  export interface IOptions {
    api: IClustersApi;

    /**
     * The time in milliseconds since the epoch.
     */
    now?: () => number;

    /**
     * The slug of the image of this server, as far as it is known by now.
     */
    serverImage?: () => string;
  }
}

function find(
  clusters: readonly PageCluster[],
  name: string
): PageCluster | undefined {
  return clusters.find(each => each.name === name);
}
