/**
 * Keeps an open page up to date, and says how old it is.
 *
 * @import { Alive, PageOffers } from '../../../../labextension/src/wire'
 * @import { ServerEvent } from './stream.js'
 * @import { View } from './view.js'
 */

import { Age, describeAge } from './age.js';
import { setText } from './dom.js';
import { Stream } from './stream.js';

/** A page that nobody looks at for this long lets go of its line. */
const HIDDEN_MS = 60_000;
/** Seconds without a line after which places that were full may be free. */
const LOST = 20;
const SECOND = 1000;

/**
 * @typedef {object} LiveOptions
 * @property {{ url: string, ticket: string, age: number, known: boolean, settings: string }} start As rendered.
 * @property {() => Promise<string>} renew
 * @property {View} view
 * @property {HTMLElement | null} line Where the age stands.
 * @property {() => void} onChange After the page shows something else.
 * @property {(sentence: string) => void} onNews Says what the page itself cannot show.
 * @property {typeof globalThis.fetch} fetch
 * @property {() => number} monotonic Milliseconds.
 */

/** The live part of the page. */
export class Live {
  /** @param {LiveOptions} options */
  constructor(options) {
    const { start, renew, fetch, monotonic } = options;
    this.#options = options;
    this.#opened = monotonic();
    this.#known = start.known || start.url === '';
    this.#settings = start.settings;
    this.#age = new Age({ seconds: start.age, monotonic });
    this.#stream = new Stream({
      url: start.url,
      ticket: start.ticket,
      renew,
      fetch,
      onConnection: connection => {
        this.#connection = connection;
        this.tick();
      },
      onEvent: event => {
        this.#hear(event);
      }
    });
  }

  /** Begin to follow, if there is something to follow. */
  open() {
    if (this.#options.start.url !== '') this.#stream.open();
    this.tick();
  }

  /** Let go of the line; `open` takes it up again. */
  close() {
    this.#stream.close();
  }

  /** Say again how old the page is. */
  tick() {
    const { line } = this.#options;
    const { seconds } = this.#age;
    this.#lose(this.#connection !== 'live' && seconds > LOST);
    if (this.#options.monotonic() - this.#opened > LOST * SECOND)
      this.#options.view.setOld();
    if (!line) return;
    setText(
      line,
      describeAge({
        age: seconds,
        connection: this.#connection,
        known: this.#known
      })
    );
    line.title = new Date(Date.now() - seconds * 1000).toLocaleTimeString();
  }

  /**
   * @param {boolean} hidden Whether nobody sees the page.
   */
  setHidden(hidden) {
    clearTimeout(this.#hiding);
    if (hidden) {
      this.#hiding = setTimeout(() => {
        this.close();
      }, HIDDEN_MS);
    } else this.open();
  }

  /** @param {ServerEvent} event */
  #hear({ event, data }) {
    if (event === 'offers' || event === 'change') {
      /** @type {unknown} */
      const told = JSON.parse(data);
      const offers = /** @type {PageOffers} */ (told);
      this.#compare(offers.settings_hash);
      this.#take(offers);
      this.#options.view.apply(offers);
      if (event === 'offers' && !this.#options.view.isWhole(offers))
        this.#options.onNews(
          'What you may start has changed. Next: reload this page.'
        );
      this.#options.onChange();
    } else if (event === 'alive') {
      /** @type {unknown} */
      const told = JSON.parse(data);
      const alive = /** @type {Alive} */ (told);
      const isSame = alive.known === this.#known;
      this.#take(alive);
      this.#options.view.setKnown(alive.known);
      if (!isSame) this.#options.onChange();
    }
  }

  /** @param {boolean} isLost Whether the line has been away for long. */
  #lose(isLost) {
    // A page without a stream is as old as it says, and was never told of changes.
    if (this.#connection === 'none' || this.#isLost === isLost) return;
    this.#isLost = isLost;
    this.#options.view.setLost(isLost);
    this.#options.onChange();
  }

  /** @param {{ age_s: number, known: boolean }} told */
  #take({ age_s, known }) {
    this.#age.set(age_s);
    this.#known = known;
    this.tick();
  }

  /** @param {string} settings */
  #compare(settings) {
    if (this.#settings === settings) return;
    this.#settings = settings;
    this.#options.onNews(
      'An administrator has changed what is offered. Next: reload this page to see it.'
    );
  }

  #options;
  #opened;
  #age;
  #stream;
  #known;
  #isLost = false;
  /** @type {import('./age.js').Connection} */
  #connection = 'none';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hiding;
  #settings;
}
