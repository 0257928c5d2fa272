/** Images that are written instead of chosen: the check before the hub's, and what was used. */

const KEPT = 10;

/**
 * Say what is wrong with a reference, as far as a page can know.
 *
 * @param {string} text
 * @param {{ pattern: string, hint: string }} rule What the hub would take, as a regular expression.
 * @returns {string} Empty when nothing is.
 */
export function referenceProblem(text, { pattern, hint }) {
  if (text === '') return `Write which image. ${hint}`;
  try {
    return new RegExp(pattern, 'u').test(text) ? '' : hint;
  } catch {
    // The hub's language of patterns has more than the browser's; then only the hub checks.
    return '';
  }
}

/** What somebody has used in this browser, newest first. */
export class History {
  /**
   * @param {{ key: string, storage: () => Storage }} place A browser may refuse its storage.
   */
  constructor({ key, storage }) {
    this.#key = key;
    this.#storage = storage;
  }

  /** @returns {string[]} */
  all() {
    try {
      /** @type {unknown} */
      const kept = JSON.parse(this.#storage().getItem(this.#key) ?? '[]');
      return Array.isArray(kept)
        ? kept.filter(each => typeof each === 'string')
        : [];
    } catch {
      return [];
    }
  }

  /** @param {string} reference */
  add(reference) {
    const kept = [reference, ...this.all().filter(each => each !== reference)];
    try {
      this.#storage().setItem(this.#key, JSON.stringify(kept.slice(0, KEPT)));
    } catch {
      // Storage can be forbidden or full: then nothing is remembered.
    }
  }

  clear() {
    try {
      this.#storage().removeItem(this.#key);
    } catch {
      // As above: there is nothing to forget.
    }
  }

  #key;
  #storage;
}
