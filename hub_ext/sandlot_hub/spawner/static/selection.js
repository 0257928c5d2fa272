/**
 * What is chosen in the form: the radio buttons are the only place where that is kept.
 *
 * @import { Choice } from './links.js'
 */

/** Value of the radio button for a text in place of an image. */
export const UNLISTED = 'unlisted-choice';

/** @typedef {'profile' | 'image' | 'size'} Part */

const IMPOSSIBLE = new Set(['off', 'full']);

/** Reads and sets the choice. */
export class Selection {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  /** Slug of the chosen profile; empty when none is. */
  get profile() {
    const chosen = this.#root.querySelector(
      'input[name=profile]:checked, input[name=profile][type=hidden]'
    );
    return chosen instanceof HTMLInputElement ? chosen.value : '';
  }

  /** Slugs of all profiles of the page. */
  get profiles() {
    const fields = this.#root.querySelectorAll('input[name=profile]');
    return [...fields].map(field => field.getAttribute('value') ?? '');
  }

  /**
   * @param {Part} part
   * @param {string} slug
   * @param {string} [profile] Whose image or size it is; the chosen one's without.
   * @returns {HTMLInputElement | null}
   */
  radio(part, slug, profile = this.profile) {
    const id = part === 'profile' ? slug : `${profile}--${slug}`;
    const found = document.getElementById(`sandlot-${part}--${id}`);
    return found instanceof HTMLInputElement && this.#root.contains(found)
      ? found
      : null;
  }

  /**
   * @param {'image' | 'size'} part
   * @param {string} [profile]
   * @returns {HTMLInputElement[]} All there are.
   */
  radios(part, profile = this.profile) {
    const group = document.getElementById(`sandlot-${part}s--${profile}`);
    return [...(group?.querySelectorAll('input[type=radio]') ?? [])].filter(
      radio => radio instanceof HTMLInputElement
    );
  }

  /**
   * @param {Part} part
   * @returns {HTMLInputElement | null} The chosen one.
   */
  chosen(part) {
    if (part === 'profile') return this.radio('profile', this.profile);
    return this.radios(part).find(radio => radio.checked) ?? null;
  }

  /** Where a reference is written, in the chosen profile. */
  get reference() {
    const field = document.getElementById(`sandlot-reference--${this.profile}`);
    return field instanceof HTMLInputElement ? field : null;
  }

  /**
   * @returns {Choice} As links name it.
   */
  get choice() {
    const image = this.chosen('image')?.value ?? '';
    const isWritten = image === UNLISTED;
    return {
      profile: this.profile,
      ...(isWritten
        ? { reference: this.reference?.value.trim() ?? '' }
        : { image }),
      size: this.chosen('size')?.value ?? ''
    };
  }

  /** The choice as people read it. */
  get title() {
    const parts = /** @type {const} */ (['profile', 'image', 'size']);
    return parts
      .map(part => nameOf(this.chosen(part)))
      .filter(name => name !== '')
      .join(' · ');
  }

  /**
   * @param {Part} part
   * @param {string} slug
   * @param {string} [profile] Whose image or size it is.
   * @returns {string} Its name; empty when it is not there.
   */
  name(part, slug, profile = this.profile) {
    if (part !== 'profile') return nameOf(this.radio(part, slug, profile));
    // A single profile has no button.
    const group = this.#root.querySelector(`[data-sandlot-profile="${slug}"]`);
    return group?.getAttribute('data-sandlot-name') ?? '';
  }

  /**
   * Return what something would be chosen in place of, next to a choice.
   *
   * @param {HTMLInputElement} radio
   * @returns {Choice | null} Null for a profile, which would be left.
   */
  contextOf(radio) {
    const group = radio.closest('[data-sandlot-profile]');
    const profile = group?.getAttribute('data-sandlot-profile');
    if (!profile) return null;
    const image = this.radios('image', profile).find(one => one.checked)?.value;
    const size = this.radios('size', profile).find(one => one.checked)?.value;
    const part = radio.name.endsWith('--image') ? 'image' : 'size';
    return {
      profile,
      image: image ?? '',
      size: size ?? '',
      [part]: radio.value
    };
  }

  /**
   * Choose what a link names. What is off is chosen too: the page says why, and what fits.
   *
   * @param {Choice} wanted
   * @returns {{ problems: string[], changed: HTMLInputElement | null }} Sentences about what is
   * not there, and the most particular button that was not chosen before.
   */
  fill(wanted) {
    /** @type {string[]} */
    const problems = [];
    /** @type {HTMLInputElement | null} */
    let changed = null;
    if (wanted.profile !== undefined && wanted.profile !== this.profile) {
      const radio = this.radio('profile', wanted.profile);
      if (!radio) {
        const missing = `There is no profile “${wanted.profile}” for you, so nothing was filled in. Next: choose a profile.`;
        return { problems: [missing], changed };
      }
      changed = check(radio);
    }
    const { reference } = wanted;
    if (reference !== undefined) {
      const radio = this.radio('image', UNLISTED);
      if (radio && this.reference) {
        changed = check(radio) ?? changed;
        this.reference.value = reference;
      } else problems.push(this.#missing('image', reference));
    }
    for (const part of /** @type {const} */ (['image', 'size'])) {
      const slug = wanted[part];
      if (slug === undefined || (part === 'image' && reference)) continue;
      const radio = this.radio(part, slug);
      if (radio) changed = check(radio) ?? changed;
      else problems.push(this.#missing(part, slug));
    }
    return { problems, changed };
  }

  /** Choose something where nothing is, and let what is off and not chosen be off. */
  settle() {
    for (const part of /** @type {const} */ (['image', 'size'])) {
      const radios = this.radios(part);
      if (!radios.some(radio => radio.checked)) {
        const first = radios.find(radio => !isImpossible(radio));
        if (first) first.checked = true;
      }
    }
    const all = this.#root.querySelectorAll('input[type=radio]');
    for (const radio of all) {
      if (radio instanceof HTMLInputElement) settleOne(radio);
    }
  }

  /**
   * @param {'image' | 'size'} part
   * @param {string} slug
   */
  #missing(part, slug) {
    const profile = nameOf(this.chosen('profile'));
    const where = profile ? `“${profile}”` : 'Your profile';
    return `${where} has no ${part} “${slug}”. Next: choose another ${part}; the rest is filled in.`;
  }

  #root;
}

/**
 * Return whether it is known that a choice cannot be started; what is not known can be tried.
 *
 * @param {HTMLInputElement} radio
 * @returns {boolean}
 */
export function isImpossible(radio) {
  return IMPOSSIBLE.has(boxOf(radio)?.dataset.state ?? '');
}

/**
 * Switch a choice off or on. A chosen one stays on, so that it stays chosen and explains itself;
 * so does the one that has the focus, which would be lost.
 *
 * @param {HTMLInputElement} radio
 */
export function settleOne(radio) {
  const isOff =
    isImpossible(radio) && !radio.checked && document.activeElement !== radio;
  if (radio.disabled !== isOff) radio.disabled = isOff;
}

/**
 * @param {HTMLInputElement} radio
 * @returns {HTMLElement | null} The choice around it.
 */
export function boxOf(radio) {
  return radio.closest('.sandlot-choice');
}

/**
 * @param {HTMLInputElement | null} radio
 * @returns {string} The name of the choice; empty without one.
 */
export function nameOf(radio) {
  return radio?.labels?.[0]?.textContent.trim() ?? '';
}

/**
 * @param {HTMLInputElement} radio
 * @returns {HTMLInputElement | null} Itself, if it was not chosen.
 */
function check(radio) {
  radio.disabled = false;
  if (radio.checked) return null;
  radio.checked = true;
  return radio;
}
