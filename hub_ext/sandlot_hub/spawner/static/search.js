/** The search box of a form with many choices: it hides what has none of the words. */

/**
 * @param {string} text
 * @returns {string[]} What must be found, all of it.
 */
export function wordsOf(text) {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}

/**
 * @param {string[]} words
 * @param {string} text
 * @returns {boolean}
 */
export function matches(words, text) {
  const plain = text.toLowerCase();
  return words.every(word => plain.includes(word));
}

/** Filters cards and choices; what is chosen always stays. */
export class Search {
  /**
   * @param {{ root: HTMLElement, box: HTMLElement, field: HTMLInputElement, found: HTMLElement }} parts
   */
  constructor({ root, box, field, found }) {
    this.#root = root;
    this.#field = field;
    this.#found = found;
    box.hidden = false;
    field.addEventListener('input', () => {
      this.update();
    });
    field.addEventListener('keydown', event => {
      this.#key(event);
    });
    document.addEventListener('keydown', event => {
      if (
        event.key !== '/' ||
        event.ctrlKey ||
        event.metaKey ||
        isTyping(event)
      )
        return;
      event.preventDefault();
      field.focus();
    });
  }

  /** Hide and show by what is written. */
  update() {
    const words = wordsOf(this.#field.value);
    const cards = choicesIn(this.#root.querySelector('#sandlot-profiles'));
    let profiles = 0;
    for (const group of this.#root.querySelectorAll('.sandlot-profile')) {
      const slug = group.getAttribute('data-sandlot-profile') ?? '';
      const card = cards.find(box => radioOf(box)?.value === slug);
      const about = group.querySelector('.sandlot-chosen')?.textContent ?? '';
      const name = `${card?.textContent ?? ''} ${about}`;
      const inGroup = this.#filterGroup(words, group, name);
      if (card && filter(card, matches(words, name) || inGroup)) profiles += 1;
    }
    if (words.length === 0) this.#found.textContent = '';
    else if (cards.length === 0) this.#found.textContent = this.#countChoices();
    else this.#found.textContent = told(profiles, cards.length);
  }

  /**
   * @param {string[]} words
   * @param {Element} group
   * @param {string} name Words of the profile, which count for its choices.
   * @returns {boolean} Whether a choice has the words.
   */
  #filterGroup(words, group, name) {
    let any = false;
    for (const list of group.querySelectorAll('.sandlot-choices')) {
      const boxes = choicesIn(list);
      const rest = words.filter(word => !matches([word], name));
      const hits = boxes.filter(box => matches(rest, textOf(box)));
      any ||= rest.length > 0 && hits.length > 0;
      // Words that are only in the other list leave this one as it is.
      for (const box of boxes)
        filter(box, hits.length === 0 || hits.includes(box));
    }
    return any;
  }

  #countChoices() {
    const shown = choicesIn(this.#root).filter(box => !box.hidden).length;
    return `${shown} choices are shown.`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === 'Escape' && this.#field.value !== '') {
      event.preventDefault();
      this.#field.value = '';
      this.update();
    } else if (event.key === 'Enter') {
      // Looking for something is not starting it.
      event.preventDefault();
      const first = choicesIn(this.#root).find(isReachable);
      if (first) radioOf(first)?.focus();
    }
  }

  #root;
  #field;
  #found;
}

/**
 * @param {number} shown
 * @param {number} all
 * @returns {string}
 */
function told(shown, all) {
  if (shown === 0) return 'Nothing has these words. Escape clears the search.';
  return `${shown} of ${all} profiles`;
}

/**
 * @param {HTMLElement} box
 * @param {boolean} isMatch
 * @returns {boolean} Whether it matches.
 */
function filter(box, isMatch) {
  box.hidden = !isMatch && radioOf(box)?.checked !== true;
  return isMatch;
}

/**
 * @param {Element | null} parent
 * @returns {HTMLElement[]}
 */
function choicesIn(parent) {
  return [...(parent?.querySelectorAll('.sandlot-choice') ?? [])].filter(
    box => box instanceof HTMLElement
  );
}

/**
 * @param {HTMLElement} box
 * @returns {HTMLInputElement | null}
 */
function radioOf(box) {
  return box.querySelector('input[type=radio]');
}

/**
 * @param {HTMLElement} box
 * @returns {string} With the packages of an image.
 */
function textOf(box) {
  const more = box.querySelector('[popovertarget]');
  const inside = document.getElementById(
    more?.getAttribute('popovertarget') ?? ''
  );
  return `${box.textContent} ${inside?.textContent ?? ''}`;
}

/**
 * @param {HTMLElement} box
 * @returns {boolean}
 */
function isReachable(box) {
  return !box.hidden && radioOf(box)?.disabled === false;
}

/**
 * @param {Event} event
 * @returns {boolean} Whether a key is a letter of a text.
 */
function isTyping({ target }) {
  return (
    target instanceof HTMLElement &&
    target.matches('input:not([type=radio]), textarea, select')
  );
}
