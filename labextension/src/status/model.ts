import { type ISignal, Signal } from '@lumino/signaling';

import { asRequestError, type RequestError } from '../shared/request';
import type { Availability, SessionView, Usage } from '../wire';
import type { ISessionApi } from './api';
import type { IAged, IHubView, ISessionModel, Phase } from './tokens';

/**
 * Keeps what is known of the session, and says when it changed. Whoever owns it decides
 * when to ask: it holds no timer.
 */
export class SessionModel implements ISessionModel {
  constructor(options: SessionModel.IOptions) {
    this._api = options.api;
    this._now = options.now ?? Date.now;
  }

  get phase(): Phase {
    return this._phase;
  }

  get view(): SessionView | null {
    return this._view;
  }

  get usage(): IAged<Usage> | null {
    return this._usage;
  }

  get hub(): IHubView {
    return this._hub;
  }

  get error(): RequestError | null {
    return this._error;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  refresh(): Promise<void> {
    // A retry while the poll asks gets the answer of the poll.
    this._refreshing ??= this._refresh().finally(() => {
      this._refreshing = null;
    });
    return this._refreshing;
  }

  async checkHub(): Promise<void> {
    if (!this._view?.session || this._view.visitor) {
      return;
    }
    const asked = this._askForAccelerators();
    try {
      const value = await this._api.offers();
      const offers = { value, at: this._now() };
      const accelerators = await asked;
      this._hub = { phase: 'live', offers, accelerators, error: null };
    } catch (reason) {
      const { offers } = this._hub;
      const phase = offers ? 'stale' : 'failed';
      const error = asRequestError(reason);
      this._hub = { phase, offers, accelerators: null, error };
    }
    this._changed.emit();
  }

  /**
   * Take over what the server told by itself. Whoever tells is alive.
   */
  receiveUsage(value: Usage): void {
    this._usage = { value, at: this._now() };
    if (this._phase === 'stale') {
      // Another server may be back under this address: only a refresh can tell.
      void this.refresh();
    }
    this._changed.emit();
  }

  private async _askForAccelerators(): Promise<IAged<Availability> | null> {
    try {
      const value = await this._api.availability();
      return { value, at: this._now() };
    } catch {
      // Whether the hub answers at all, the other question tells; an older one knows no answer.
      return null;
    }
  }

  private async _refresh(): Promise<void> {
    if (this._phase === 'failed') {
      this._phase = 'loading';
      this._changed.emit();
    }
    try {
      // After a pause the server may be another one, with another image.
      if (this._phase !== 'live' || !this._view) {
        this._view = await this._api.session();
      }
      if (this._view.session) {
        const value = await this._api.usage();
        this._usage = { value, at: this._now() };
      }
      this._phase = this._view.session ? 'live' : 'empty';
      this._error = null;
    } catch (reason) {
      this._phase = this._view ? 'stale' : 'failed';
      this._error = asRequestError(reason);
    }
    this._changed.emit();
  }

  private readonly _api: ISessionApi;
  private readonly _now: () => number;
  private readonly _changed = new Signal<this, void>(this);
  private _phase: Phase = 'loading';
  private _view: SessionView | null = null;
  private _usage: IAged<Usage> | null = null;
  private _hub: IHubView = {
    phase: 'loading',
    offers: null,
    accelerators: null,
    error: null
  };
  private _error: RequestError | null = null;
  private _refreshing: Promise<void> | null = null;
}

export namespace SessionModel {
  export interface IOptions {
    api: ISessionApi;

    /**
     * The time in milliseconds since the epoch.
     */
    now?: () => number;
  }
}
