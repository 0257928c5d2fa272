/**
 * The fields for images that are written.
 *
 * @import { History } from './references.js'
 * @import { Selection } from './selection.js'
 */

import { referenceProblem } from './references.js';
import { UNLISTED } from './selection.js';

/** All such fields of the form. */
export class Unlisted {
  /**
   * @param {{ root: HTMLElement, selection: Selection, history: History }} parts
   */
  constructor({ root, selection, history }) {
    this.#selection = selection;
    this.#history = history;
    this.#list = root.querySelector('#sandlot-references');
    this.#fields = [
      ...root.querySelectorAll('.sandlot-reference input')
    ].filter(field => field instanceof HTMLInputElement);
    this.#buttons = [...root.querySelectorAll('.sandlot-forget')].filter(
      button => button instanceof HTMLButtonElement
    );
    for (const field of this.#fields) {
      field.addEventListener('input', () => {
        this.#choose(field);
      });
    }
    for (const button of this.#buttons) {
      button.addEventListener('click', () => {
        this.#history.clear();
        this.#offer();
        button.closest('.sandlot-reference')?.querySelector('input')?.focus();
      });
    }
    this.#offer();
  }

  /** Check the field that counts; the others must not keep the form from being sent. */
  update() {
    const written = this.#written;
    for (const field of this.#fields) {
      const problem = field === written ? problemOf(field) : '';
      field.setCustomValidity(problem);
      const isWrong = problem !== '' && field.value !== '';
      if (isWrong) field.setAttribute('aria-invalid', 'true');
      else field.removeAttribute('aria-invalid');
    }
  }

  /** Remember what is being started. */
  remember() {
    const reference = this.#written?.value.trim() ?? '';
    if (reference !== '') this.#history.add(reference);
  }

  /** The field that will be sent; null when an image of the list is chosen. */
  get #written() {
    return this.#selection.chosen('image')?.value === UNLISTED
      ? this.#selection.reference
      : null;
  }

  /** @param {HTMLInputElement} field Somebody writes in it, so that is what they mean. */
  #choose(field) {
    const radio = field
      .closest('.sandlot-choice')
      ?.querySelector('input[type=radio]');
    if (radio instanceof HTMLInputElement && !radio.checked) {
      radio.checked = true;
      radio.dispatchEvent(new Event('change', { bubbles: true }));
    }
    this.update();
  }

  #offer() {
    const used = this.#history.all();
    const options = used.map(reference => {
      const option = document.createElement('option');
      option.value = reference;
      return option;
    });
    this.#list?.replaceChildren(...options);
    for (const button of this.#buttons) button.hidden = used.length === 0;
  }

  #selection;
  #history;
  #list;
  #fields;
  #buttons;
}

/**
 * @param {HTMLInputElement} field
 * @returns {string}
 */
function problemOf(field) {
  const hint = document.getElementById(`${field.id}--hint`)?.textContent ?? '';
  return referenceProblem(field.value.trim(), {
    hint: hint.trim(),
    pattern: field.dataset.sandlotPattern ?? ''
  });
}
