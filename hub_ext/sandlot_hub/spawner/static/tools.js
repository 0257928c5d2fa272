/**
 * What stands beside the start: links to the choice, and a server with a name of its own.
 *
 * @import { Selection } from './selection.js'
 */

import { find } from './dom.js';
import { sharedPage, toHash, toQuery } from './links.js';
import { serverName } from './slug.js';

/**
 * @typedef {object} Place
 * @property {string} spawnUrl Path of this page.
 * @property {string} server Empty for the default server.
 * @property {string} origin
 */

/** Links to the choice, for others or for later. */
export class Links {
  /** @param {{ selection: Selection, place: Place }} parts */
  constructor({ selection, place }) {
    this.#selection = selection;
    this.#base = place.origin + sharedPage(place);
    for (const field of [this.#fills, this.#starts]) {
      const button = field?.parentElement?.querySelector('button');
      field?.addEventListener('focus', () => {
        field.select();
      });
      button?.addEventListener('click', () => {
        if (field) void this.#copy(field);
      });
    }
  }

  /** Write them for the choice as it is now. */
  update() {
    const { choice } = this.#selection;
    if (this.#fills) this.#fills.value = this.#base + toHash(choice);
    if (this.#starts) this.#starts.value = this.#base + toQuery(choice);
    if (this.#status) this.#status.textContent = '';
  }

  /** @param {HTMLInputElement} field */
  async #copy(field) {
    let told = 'Copied.';
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      // No permission, or no safe connection: people can copy it themselves.
      field.focus();
      told = 'The link is selected. Next: copy it with Ctrl+C or ⌘C.';
    }
    if (this.#status) this.#status.textContent = told;
  }

  #selection;
  #base;
  #fills = find('sandlot-link-fills', HTMLInputElement);
  #starts = find('sandlot-link-starts', HTMLInputElement);
  #status = find('sandlot-copied', HTMLElement);
}

/**
 * Return the page that starts a server with a name, with the same choice.
 *
 * @param {string} title What somebody calls it.
 * @param {string} spawnUrl Page of the default server.
 * @param {string} hash The choice.
 * @returns {string} Empty without a title.
 */
export function namedPage(title, spawnUrl, hash) {
  const name = serverName(title);
  if (name === '') return '';
  const called = title.trim();
  const query =
    called === name
      ? ''
      : `?${new URLSearchParams({ display_name: called }).toString()}`;
  return `${spawnUrl}/${name}${query}${hash}`;
}

/**
 * Let people go on to a server with a name.
 *
 * @param {{ selection: Selection, place: Place, go: (url: string) => void }} parts
 */
export function wireNamedServer({ selection, place, go }) {
  const field = find('sandlot-server-name', HTMLInputElement);
  const button = find('sandlot-server-go', HTMLButtonElement);
  const status = find('sandlot-server-status', HTMLElement);
  if (!field || !button || !status) return;
  const follow = () => {
    const hash = toHash(selection.choice);
    const url = namedPage(field.value, place.spawnUrl, hash);
    if (url !== '') {
      go(url);
      return;
    }
    status.textContent = 'A server with a name needs one. Write it here.';
    field.focus();
  };
  button.addEventListener('click', follow);
  field.addEventListener('keydown', event => {
    if (event.key !== 'Enter') return;
    // It is not the default server that is meant.
    event.preventDefault();
    follow();
  });
  field.addEventListener('input', () => {
    const name = serverName(field.value);
    status.textContent = name ? `In addresses it is “${name}”.` : '';
  });
}
