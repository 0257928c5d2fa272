/**
 * The availability page of the offers service, kept up to date. The service renders what it
 * shows, at first and for every change, so that the page says the same without scripts.
 *
 * @import { Alive, AvailabilityNews } from '../../../../labextension/src/wire'
 * @import { Connection } from './age.js'
 * @import { ServerEvent } from './stream.js'
 */

import { Age, describeAge } from './age.js';
import { find, setText, show } from './dom.js';
import { patch } from './patch.js';
import { LoggedOut, Stream } from './stream.js';
import { showAges } from './times.js';

const SECOND_MS = 1000;
/** A page that nobody looks at for this long lets go of its line. */
const HIDDEN_MS = 60_000;
/** Seconds without a line after which numbers are no longer shown as if they were true. */
const LOST = 20;
const XSRF_HEADER = 'X-XSRFToken';

/**
 * What the page needs of the browser besides its document.
 *
 * @typedef {object} Surroundings
 * @property {typeof globalThis.fetch} fetch
 * @property {() => number} monotonic Milliseconds.
 * @property {() => number} now Milliseconds since 1970.
 */

/** @type {Surroundings} */
const HERE = {
  fetch: (input, init) => fetch(input, init),
  monotonic: () => performance.now(),
  now: () => Date.now()
};

/** The page. */
export class AvailabilityPage {
  /**
   * @param {HTMLElement} root
   * @param {Surroundings} [surroundings]
   */
  constructor(root, surroundings = HERE) {
    const { dataset } = root;
    this.#root = root;
    this.#around = surroundings;
    this.#known = dataset.known === 'true';
    this.#settings = dataset.settings ?? '';
    this.#age = new Age({
      monotonic: surroundings.monotonic,
      seconds: Number(dataset.age)
    });
    this.#stream = new Stream({
      credentials: 'same-origin',
      fetch: surroundings.fetch,
      header: XSRF_HEADER,
      onConnection: connection => {
        this.#connection = connection;
        this.tick();
      },
      onEvent: event => {
        this.#hear(event);
      },
      renew: () => this.#checkLogin(dataset.api ?? '', dataset.xsrf ?? ''),
      ticket: dataset.xsrf ?? '',
      url: dataset.stream ?? ''
    });
  }

  /** Begin to follow. */
  open() {
    this.#stream.open();
    // It follows by itself now.
    find('sandlot-again', HTMLElement)?.remove();
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
    const { seconds } = this.#age;
    const isLost = this.#connection !== 'live' && seconds > LOST;
    this.#root.classList.toggle('sandlot-lost', isLost);
    const line = find('sandlot-age', HTMLElement);
    if (line) {
      setText(
        line,
        describeAge({
          age: seconds,
          connection: this.#connection,
          known: this.#known
        })
      );
      const then = new Date(this.#around.now() - seconds * SECOND_MS);
      line.title = then.toLocaleString();
    }
    const part = find('sandlot-now', HTMLElement);
    if (part) showAges(part, this.#around.now());
  }

  /** @param {ServerEvent} event */
  #hear({ event, data }) {
    /** @type {unknown} */
    const told = JSON.parse(data);
    if (event === 'availability')
      this.#show(/** @type {AvailabilityNews} */ (told));
    if (event === 'availability' || event === 'alive') {
      const { age_s, known } = /** @type {Alive} */ (told);
      this.#age.set(age_s);
      this.#known = known;
      this.tick();
    }
  }

  /** @param {AvailabilityNews} news */
  #show({ html, settings_hash }) {
    if (settings_hash !== this.#settings)
      show(
        find('sandlot-news', HTMLElement),
        'An administrator has changed the settings. Next: reload this page to see all of it.'
      );
    const part = find('sandlot-now', HTMLElement);
    if (!part) return;
    const before = headlines(part);
    patch(part, html);
    const changed = [...headlines(part)].filter(
      ([name, words]) => before.get(name) !== words
    );
    const live = find('sandlot-live', HTMLElement);
    if (live && changed.length > 0)
      setText(
        live,
        changed.map(([name, words]) => `${name}: ${words}.`).join(' ')
      );
  }

  /**
   * Ask whether somebody is still logged in here, after the line was closed for that.
   *
   * @param {string} url
   * @param {string} xsrf
   * @returns {Promise<string>} What goes with the cookie.
   */
  async #checkLogin(url, xsrf) {
    const reply = await this.#around.fetch(url, {
      cache: 'no-store',
      credentials: 'same-origin',
      headers: { [XSRF_HEADER]: xsrf }
    });
    if (reply.status === 401 || reply.status === 403) throw new LoggedOut();
    if (!reply.ok) throw new Error(`status ${reply.status}`);
    return xsrf;
  }

  #root;
  #around;
  #known;
  #settings;
  #age;
  #stream;
  /** @type {Connection} */
  #connection = 'none';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hiding;
}

/**
 * @param {Element} part
 * @returns {Map<string, string>} What is said of each flavor, by its name.
 */
function headlines(part) {
  return new Map(
    [...part.querySelectorAll('.sandlot-flavor')].map(flavor => [
      flavor.querySelector('h2')?.textContent ?? '',
      flavor.querySelector('.sandlot-words')?.textContent ?? ''
    ])
  );
}

/** @param {HTMLElement} root */
function start(root) {
  const page = new AvailabilityPage(root);
  document.addEventListener('visibilitychange', () => {
    page.setHidden(document.hidden);
  });
  window.addEventListener('pagehide', () => {
    page.close();
  });
  window.addEventListener('pageshow', () => {
    page.open();
  });
  setInterval(() => {
    page.tick();
  }, SECOND_MS);
}

const root = document.getElementById('sandlot-availability');
if (root) start(root);
