/**
 * Keeps an open page up to date, and says how old it is.
 *
 * @import { Alive, PageOffers } from '../../../../labextension/src/wire'
 * @import { ServerEvent } from './stream.js'
 * @import { View } from './view.js'
 */

import { setText } from './dom.js';
import { Following, LOST } from './following.js';

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
export class Live extends Following {
  /** @param {LiveOptions} options */
  constructor(options) {
    const { start, renew, fetch, monotonic } = options;
    super({
      age: start.age,
      known: start.known || start.url === '',
      monotonic,
      onEvent: event => {
        this.#hear(event);
      },
      onTick: () => {
        this.#showAge();
      },
      stream: { fetch, renew, ticket: start.ticket, url: start.url }
    });
    this.#options = options;
    this.#opened = monotonic();
    this.#settings = start.settings;
  }

  #showAge() {
    const { line } = this.#options;
    this.#lose(this.isLost);
    if (this.#options.monotonic() - this.#opened > LOST * SECOND)
      this.#options.view.setOld();
    if (!line) return;
    setText(line, this.words);
    const then = new Date(Date.now() - this.seconds * SECOND);
    line.title = then.toLocaleTimeString();
  }

  /** @param {ServerEvent} event */
  #hear({ event, data }) {
    if (event === 'offers' || event === 'change') {
      /** @type {unknown} */
      const told = JSON.parse(data);
      const offers = /** @type {PageOffers} */ (told);
      this.#compare(offers.settings_hash);
      this.take(offers);
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
      const isSame = alive.known === this.known;
      this.take(alive);
      this.#options.view.setKnown(alive.known);
      if (!isSame) this.#options.onChange();
    }
  }

  /** @param {boolean} isLost Whether the line has been away for long. */
  #lose(isLost) {
    // A page without a stream is as old as it says, and was never told of changes.
    if (!this.hasLine || this.#isLost === isLost) return;
    this.#isLost = isLost;
    this.#options.view.setLost(isLost);
    this.#options.onChange();
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
  #isLost = false;
  #settings;
}
