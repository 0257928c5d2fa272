/** What other features and extensions may know of the session. */
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { RequestError } from '../shared/request';
import type { Availability, OfferList, SessionView, Usage } from '../wire';

/**
 * The five states of everything that loads.
 *
 * `empty`: this server was not started by Sandlot. `stale`: what is shown was true, and
 * the server does not answer at the moment. `failed`: nothing is known yet, with a reason.
 */
export type Phase = 'loading' | 'empty' | 'live' | 'stale' | 'failed';

/**
 * A value and the moment it was received, in milliseconds since the epoch.
 */
export interface IAged<T> {
  readonly value: T;
  readonly at: number;
}

/**
 * What the hub says. Asked for only while somebody looks.
 */
export interface IHubView {
  readonly phase: Phase;

  /**
   * The latest answer; null before the first.
   */
  readonly offers: IAged<OfferList> | null;

  /**
   * Which accelerators are free; null while that is not known.
   */
  readonly accelerators: IAged<Availability> | null;

  /**
   * Why the last question brought nothing; null when it did.
   */
  readonly error: RequestError | null;
}

/**
 * The running server: what was chosen, and what it uses.
 */
export interface ISessionModel {
  readonly phase: Phase;

  /**
   * The session as this person may see it; null until it was read.
   */
  readonly view: SessionView | null;

  /**
   * What the server's processes use; null until it was measured.
   */
  readonly usage: IAged<Usage> | null;

  /**
   * The hub as seen from this server.
   */
  readonly hub: IHubView;

  /**
   * Why the last refresh brought nothing; null when it did.
   */
  readonly error: RequestError | null;

  /**
   * Emitted after every change of any of the above.
   */
  readonly changed: ISignal<ISessionModel, void>;

  /**
   * Ask the server again. Never rejects: a failure is a state.
   */
  refresh(): Promise<void>;

  /**
   * Ask the hub again, for the owner of a server of Sandlot. Never rejects.
   */
  checkHub(): Promise<void>;
}

/**
 * The token of the session model.
 */
export const ISessionModel = new Token<ISessionModel>(
  'sandlot:ISessionModel',
  'What this server was started as by Sandlot, and what it uses now.'
);
