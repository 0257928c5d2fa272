/**
 * A page that follows the server: whether its line is up, and how old what it shows is.
 *
 * @import { Connection } from './age.js'
 * @import { ServerEvent, StreamOptions } from './stream.js'
 */

import { Age, describeAge } from './age.js';
import { Stream } from './stream.js';

/** A page that nobody looks at for this long lets go of its line. */
const HIDDEN_MS = 60_000;
const TICK_MS = 1000;
/** Seconds without a line after which what is shown is no longer shown as if it were true. */
export const LOST = 20;

/**
 * @typedef {object} FollowingOptions
 * @property {number} age Of what the page shows as it came, in seconds.
 * @property {boolean} known Whether that was known.
 * @property {boolean} [counting] Whether it was still being counted.
 * @property {() => number} monotonic Milliseconds.
 * @property {(event: ServerEvent) => void} onEvent
 * @property {() => void} onTick Says again how old the page is.
 * @property {Omit<StreamOptions, 'onConnection' | 'onEvent'>} stream Without an address there is nothing to follow.
 */

/** What such pages have in common. They say how old they are, and take what they are told. */
export class Following {
  /** @param {FollowingOptions} options */
  constructor({
    age,
    known,
    counting = false,
    monotonic,
    onEvent,
    onTick,
    stream
  }) {
    this.#isFollowed = stream.url !== '';
    this.#known = known;
    this.#counting = counting;
    this.#onTick = onTick;
    this.#age = new Age({ seconds: age, monotonic });
    this.#stream = new Stream({
      ...stream,
      onConnection: connection => {
        this.#connection = connection;
        this.tick();
      },
      onEvent
    });
  }

  /** Begin to follow, if there is something to follow. */
  open() {
    if (this.#isFollowed) this.#stream.open();
    this.tick();
  }

  /** Let go of the line; `open` takes it up again. */
  close() {
    this.#stream.close();
  }

  /** @param {boolean} hidden Whether nobody sees the page. */
  setHidden(hidden) {
    clearTimeout(this.#hiding);
    if (hidden) {
      this.#hiding = setTimeout(() => {
        this.close();
      }, HIDDEN_MS);
    } else this.open();
  }

  /** Say again how old the page is. */
  tick() {
    this.#onTick();
  }

  /**
   * @protected
   * @param {{ age_s: number, known: boolean, counting?: boolean }} told
   */
  take({ age_s, known, counting = false }) {
    this.#age.set(age_s);
    this.#known = known;
    this.#counting = counting;
    this.tick();
  }

  /** Whether what is shown was known when it was told. */
  get known() {
    return this.#known;
  }

  /** How old what is shown is, in seconds. */
  get seconds() {
    return this.#age.seconds;
  }

  /** Whether there is a line at all. */
  get hasLine() {
    return this.#connection !== 'none';
  }

  /** Whether the line has been away for long. */
  get isLost() {
    return this.#connection !== 'live' && this.seconds > LOST;
  }

  /** How far what is shown can be relied on, in one line. */
  get words() {
    return describeAge({
      age: this.seconds,
      connection: this.#connection,
      known: this.#known,
      counting: this.#counting
    });
  }

  #age;
  #counting;
  #isFollowed;
  #known;
  #onTick;
  #stream;
  /** @type {Connection} */
  #connection = 'none';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hiding;
}

/**
 * Let a page follow for as long as somebody looks at it.
 *
 * @param {Following} page
 * @param {() => void} [onShow] When the page is shown, at first and again.
 */
export function follow(
  page,
  onShow = () => {
    page.open();
  }
) {
  document.addEventListener('visibilitychange', () => {
    page.setHidden(document.hidden);
  });
  window.addEventListener('pagehide', () => {
    page.close();
  });
  window.addEventListener('pageshow', onShow);
  setInterval(() => {
    page.tick();
  }, TICK_MS);
}
