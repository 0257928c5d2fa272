/**
 * The button that starts the server: off only while it is known that the choice cannot be
 * started, with the reason beside it, and after it was pressed once.
 *
 * @import { Instead } from './instead.js'
 * @import { Pairs } from './pairs.js'
 * @import { Selection } from './selection.js'
 */

import { show } from './dom.js';
import { boxOf, isImpossible, nameOf } from './selection.js';

/**
 * @typedef {object} GateParts
 * @property {HTMLFormElement} form
 * @property {Selection} selection
 * @property {Pairs} pairs
 * @property {Instead} instead
 * @property {HTMLElement | null} reason Where it says why nothing can be started.
 * @property {HTMLElement | null} fitting Where it offers the image or size that goes with the other.
 * @property {HTMLElement | null} status
 */

/** Guards the form. */
export class Gate {
  /** @param {GateParts} parts */
  constructor({ form, fitting, instead, pairs, selection, reason, status }) {
    this.#selection = selection;
    this.#pairs = pairs;
    this.#instead = instead;
    this.#fitting = fitting;
    this.#reason = reason;
    this.#status = status;
    this.#button = form.querySelector('[type=submit]');
    // It stays in the order of the keyboard: whoever is on it must not be thrown out.
    this.#button?.removeAttribute('disabled');
    this.#button?.after(...[reason, fitting].filter(part => part !== null));
    form.addEventListener('submit', event => {
      this.#submit(event);
    });
  }

  /** Look at the choice again. */
  update() {
    this.#why = this.#whyNot();
    show(this.#reason, this.#why);
    this.#offer();
    this.#show();
  }

  /** The browser has brought the page back from its history. */
  reopen() {
    this.#sent = false;
    if (this.#status) this.#status.textContent = '';
    this.update();
  }

  /** Why the choice cannot be started; empty when it can. */
  get why() {
    return this.#why;
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    if (this.#why !== '' || this.#sent) {
      event.preventDefault();
      if (this.#why !== '') this.#reason?.scrollIntoView({ block: 'nearest' });
      return;
    }
    this.#sent = true;
    if (this.#status) this.#status.textContent = 'Starting…';
    this.#show();
  }

  #offer() {
    if (!this.#fitting) return;
    const { problem } = this.#pairs;
    const isOdd = problem !== '' && this.#why === problem;
    const nearest = isOdd ? this.#pairs.nearest : null;
    this.#fitting.hidden = nearest === null;
    if (!nearest) return;
    let link = this.#fitting.querySelector('a');
    if (!link) {
      link = document.createElement('a');
      this.#fitting.append('Next: choose instead ', link);
    }
    const names = /** @type {const} */ (['profile', 'image', 'size'])
      .map(part => this.#selection.name(part, nearest[part] ?? ''))
      .filter(name => name !== '');
    const label = names.join(' · ');
    this.#instead.write(link, nearest, label, this.#selection.choice);
  }

  #show() {
    const isOff = this.#why !== '' || this.#sent;
    if (isOff) this.#button?.setAttribute('aria-disabled', 'true');
    else this.#button?.removeAttribute('aria-disabled');
  }

  #whyNot() {
    // The most particular reason says most.
    for (const part of /** @type {const} */ (['size', 'image', 'profile'])) {
      const radio = this.#selection.chosen(part);
      if (radio && isImpossible(radio)) {
        const reason = boxOf(radio)?.querySelector('.sandlot-reason');
        return (
          reason?.textContent ?? `“${nameOf(radio)}” cannot be started now.`
        );
      }
    }
    const { profile } = this.#selection;
    if (profile === '') return 'Nothing of this can be started now.';
    return this.#selection.chosen('size') && this.#selection.chosen('image')
      ? this.#pairs.problem
      : 'Nothing of this profile can be started now.';
  }

  #selection;
  #pairs;
  #instead;
  #fitting;
  #reason;
  #status;
  /** @type {Element | null} */
  #button;
  #sent = false;
  #why = '';
}
