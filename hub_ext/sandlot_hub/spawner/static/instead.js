/**
 * What fits instead: links that show what is another, and whose whole name is read out.
 *
 * @import { Alternative } from '../../../../labextension/src/wire'
 * @import { Choice } from './links.js'
 * @import { Part, Selection } from './selection.js'
 */

import { fromQuery, toQuery } from './links.js';

const PARTS = /** @type {const} */ (['profile', 'image', 'size']);

/**
 * @typedef {object} NamePart
 * @property {string} name
 * @property {boolean} isShown
 */

/**
 * Return the name of an alternative in parts, of which those that differ are shown; the words
 * of `spawner/instead_links.py`.
 *
 * @param {Choice} other
 * @param {string} label Its whole name, for when one of the parts has none.
 * @param {(part: Part, slug: string) => string} nameOf Empty where there is none.
 * @param {Choice} context What it is offered in place of.
 * @returns {NamePart[]}
 */
export function insteadParts(other, label, nameOf, context) {
  const { reference } = other;
  const found = PARTS.map(part => {
    const isWritten = part === 'image' && reference !== undefined;
    return {
      isSame: isWritten
        ? context.reference === reference
        : context[part] === other[part],
      name: isWritten ? reference : nameOf(part, other[part] ?? '')
    };
  });
  if (found.some(({ name }) => name === ''))
    return [{ isShown: true, name: label }];
  const isOther = !found.every(({ isSame }) => isSame);
  const first = found.findIndex(({ isSame }) => !(isSame && isOther));
  return found.map(({ isSame, name }, n) => ({
    isShown: !(isSame && isOther),
    name: n < first ? `${name} · ` : n > first ? ` · ${name}` : name
  }));
}

/** The links of all choices of a form. */
export class Instead {
  /** @param {Selection} selection */
  constructor(selection) {
    this.#selection = selection;
  }

  /**
   * @param {HTMLInputElement} radio Of the choice that is off.
   * @param {Element} about Where what is said of it stands.
   * @param {Alternative[]} alternatives
   */
  show(radio, about, alternatives) {
    const place = about.querySelector(':scope > .sandlot-instead');
    if (alternatives.length === 0) {
      place?.remove();
      return;
    }
    const links = [...(place?.querySelectorAll('a') ?? [])];
    // A link that somebody is on with the keyboard stays the one that it is, with another text.
    links.slice(alternatives.length).forEach(link => {
      link.remove();
    });
    const list = place ?? about.appendChild(emptyList());
    const context = this.#selection.contextOf(radio);
    alternatives.forEach((other, n) => {
      const link = links[n] ?? list.appendChild(document.createElement('a'));
      this.write(link, choiceOf(other), other.label, context);
    });
  }

  /**
   * Write one link.
   *
   * @param {HTMLAnchorElement} link
   * @param {Choice} other
   * @param {string} label
   * @param {Choice | null} context Null where only the profile is another.
   */
  write(link, other, label, context) {
    const href = toQuery(other);
    if (link.getAttribute('href') !== href) link.setAttribute('href', href);
    if (link.title !== label) link.title = label;
    const parts = insteadParts(
      other,
      label,
      (part, slug) => this.#selection.name(part, slug, other.profile),
      context ?? { ...other, profile: '' }
    );
    const isSame =
      link.childNodes.length === parts.length &&
      parts.every(({ isShown, name }, n) => {
        const span = link.children[n];
        const isHidden = span?.classList.contains('visually-hidden');
        return span?.textContent === name && isHidden === !isShown;
      });
    if (!isSame) link.replaceChildren(...parts.map(spanOf));
  }

  /**
   * Say it again after another choice was made, which changes what differs from it.
   *
   * @param {HTMLElement} root
   */
  relabel(root) {
    for (const link of root.querySelectorAll('.sandlot-choice a')) {
      const radio = link
        .closest('.sandlot-choice')
        ?.querySelector('input[type=radio]');
      if (!(link instanceof HTMLAnchorElement)) continue;
      const other = fromQuery(link.search);
      if (other && radio instanceof HTMLInputElement)
        this.write(link, other, link.title, this.#selection.contextOf(radio));
    }
  }

  #selection;
}

function emptyList() {
  const made = document.createElement('div');
  made.className = 'sandlot-instead';
  made.append('What fits instead: ');
  return made;
}

/**
 * @param {Alternative} other
 * @returns {Choice}
 */
function choiceOf({ profile, image, reference, size }) {
  const named = reference === null ? { image } : { reference };
  return { profile, ...named, size };
}

/**
 * @param {NamePart} part
 * @returns {HTMLElement}
 */
function spanOf({ isShown, name }) {
  const made = document.createElement('span');
  if (!isShown) made.className = 'visually-hidden';
  made.textContent = name;
  return made;
}
