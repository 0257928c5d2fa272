/**
 * The availability page of the offers service, kept up to date. The service renders what it
 * shows, at first and for every change, so that the page says the same without scripts.
 *
 * @import { Alive, AvailabilityNews } from '../../../../labextension/src/wire'
 * @import { ServerEvent } from './stream.js'
 */

import { find, setText, show } from './dom.js';
import { follow, Following } from './following.js';
import { patch } from './patch.js';
import { LoggedOut } from './stream.js';
import { showAges } from './times.js';

const SECOND_MS = 1000;
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
export class AvailabilityPage extends Following {
  /**
   * @param {HTMLElement} root
   * @param {Surroundings} [surroundings]
   */
  constructor(root, surroundings = HERE) {
    const { dataset } = root;
    super({
      age: Number(dataset.age),
      known: dataset.known === 'true',
      counting: dataset.counting === 'true',
      monotonic: surroundings.monotonic,
      onEvent: event => {
        this.#hear(event);
      },
      onTick: () => {
        this.#showAge();
      },
      stream: {
        credentials: 'same-origin',
        fetch: surroundings.fetch,
        header: XSRF_HEADER,
        renew: () => this.#checkLogin(dataset.api ?? '', dataset.xsrf ?? ''),
        ticket: dataset.xsrf ?? '',
        url: dataset.stream ?? ''
      }
    });
    this.#root = root;
    this.#around = surroundings;
    this.#settings = dataset.settings ?? '';
  }

  /**
   * Begin to follow.
   *
   * @override
   */
  open() {
    super.open();
    // It follows by itself now.
    find('sandlot-again', HTMLElement)?.remove();
  }

  #showAge() {
    this.#root.classList.toggle('sandlot-lost', this.isLost);
    const line = find('sandlot-age', HTMLElement);
    if (line) {
      setText(line, this.words);
      const then = new Date(this.#around.now() - this.seconds * SECOND_MS);
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
    if (event === 'availability' || event === 'alive')
      this.take(/** @type {Alive} */ (told));
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
  #settings;
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

const root = document.getElementById('sandlot-availability');
if (root) follow(new AvailabilityPage(root));
