/**
 * Patches the page in place: texts and switches only, nothing is moved or made anew.
 *
 * @import { PageOffers, ProfileOffer, Reason } from '../../../../labextension/src/wire'
 * @import { Selection } from './selection.js'
 * @import { Words } from './words.js'
 */

import { setPart, setText } from './dom.js';
import { Instead } from './instead.js';
import { boxOf, settleOne } from './selection.js';
import { imageWords, UNKNOWN, wordsOf } from './words.js';

/** The choices of the form. */
export class View {
  /** @param {Selection} selection */
  constructor(selection) {
    this.#selection = selection;
    this.#instead = new Instead(selection);
  }

  /**
   * Show what has changed.
   *
   * @param {Pick<PageOffers, 'known' | 'profiles'>} offers Profiles that are not named stay.
   */
  apply({ known, profiles }) {
    for (const profile of profiles) this.#profiles.set(profile.slug, profile);
    const all = this.#known !== known;
    this.#known = known;
    for (const profile of all ? this.#profiles.values() : profiles)
      this.#showProfile(profile);
  }

  /**
   * Say of the profiles of the page that are not named that nothing is known of them.
   *
   * @param {Pick<PageOffers, 'profiles'>} offers Of all profiles.
   * @returns {boolean} Whether the page and the offers name the same profiles.
   */
  isWhole({ profiles }) {
    const told = new Set(profiles.map(({ slug }) => slug));
    const shown = this.#selection.profiles;
    for (const slug of shown.filter(each => !told.has(each))) {
      const before = this.#profiles.get(slug);
      this.#profiles.delete(slug);
      if (before) this.#showProfile(unknown(before));
      const card = this.#selection.radio('profile', slug);
      if (card) this.#showChoice(card, UNKNOWN_OFFER, UNKNOWN);
    }
    // A single profile of which nothing can be chosen has no field.
    if (shown.length === 0) return true;
    return told.size === shown.length && shown.every(each => told.has(each));
  }

  /**
   * @param {boolean} isLost Whether nothing was heard for so long that places which were full may
   * be free: the hub decides then.
   */
  setLost(isLost) {
    if (this.#isLost === isLost) return;
    this.#isLost = isLost;
    for (const profile of this.#profiles.values()) this.#showProfile(profile);
  }

  /** Take it that places which only the hub counts, and were full, may be free by now. */
  setOld() {
    if (this.#isOld) return;
    this.#isOld = true;
    for (const profile of this.#profiles.values()) this.#showProfile(profile);
  }

  /** @param {boolean} known Whether what the page shows is still true. */
  setKnown(known) {
    if (this.#known !== known) this.apply({ known, profiles: [] });
  }

  /** @param {ProfileOffer} profile */
  #showProfile(profile) {
    const card = this.#selection.radio('profile', profile.slug);
    if (card) this.#showChoice(card, profile, wordsOf(profile));
    for (const image of profile.images) {
      const radio = this.#selection.radio('image', image.slug, profile.slug);
      // What is said of the whole profile is not said again of each image.
      const isSaid = image.reason?.message === profile.reason?.message;
      const shown = isSaid
        ? { ...image, alternatives: [], reason: null }
        : image;
      if (radio) this.#showChoice(radio, shown, imageWords(image));
    }
    for (const size of profile.sizes) {
      const radio = this.#selection.radio('size', size.slug, profile.slug);
      if (radio) this.#showChoice(radio, size, wordsOf(size));
    }
  }

  /**
   * @param {HTMLInputElement} radio
   * @param {Pick<ProfileOffer, 'state' | 'reason' | 'alternatives'>} offer
   * @param {Words | null} told Null where only the hub counts.
   */
  #showChoice(radio, offer, told) {
    const box = boxOf(radio);
    const about = box?.querySelector('.sandlot-about');
    if (!box || !about) return;
    const wasFull = box.dataset.state === 'full';
    if (!told && this.#known && !(wasFull && this.#isOld)) return;
    const words = told ?? UNKNOWN;
    const isStale = this.#isLost && words.mark === 'full';
    const isOn = isStale || offer.state !== 'unavailable';
    // Nothing is told as free that may not be.
    const isOpen = isOn && words.text !== '' && !this.#known;
    const shown = isStale || isOpen ? UNKNOWN : words;
    if (box.dataset.state !== shown.mark) box.dataset.state = shown.mark;
    setPart(about, 'sandlot-state', shown.text);
    const isTelling = (shown.mark === 'wait' || !isOn) && offer.reason !== null;
    if (box.closest('.sandlot-crowded')) showWhy(about, isTelling, isOn);
    setPart(about, 'sandlot-reason', isTelling ? messageOf(offer.reason) : '');
    // What the page says above all choices is not said again here.
    const isTold = !isTelling || box.dataset.instead === 'above';
    this.#instead.show(radio, about, isTold ? [] : offer.alternatives);
    settleOne(radio);
  }

  #selection;
  #instead;
  #known = true;
  #isLost = false;
  #isOld = false;
  /** @type {Map<string, ProfileOffer>} */
  #profiles = new Map();
}

/** @type {Pick<ProfileOffer, 'state' | 'reason' | 'alternatives'>} */
const UNKNOWN_OFFER = { alternatives: [], reason: null, state: 'unknown' };

/**
 * @param {ProfileOffer} profile
 * @returns {ProfileOffer} The same, of which nothing is known.
 */
function unknown(profile) {
  return {
    ...profile,
    ...UNKNOWN_OFFER,
    images: profile.images.map(image => ({ ...image, ...UNKNOWN_OFFER })),
    sizes: profile.sizes.map(size => ({ ...size, ...UNKNOWN_OFFER }))
  };
}

/**
 * In a crowded form, why something is off or would wait is shown to those who ask.
 *
 * @param {Element} about
 * @param {boolean} isTelling Whether there is anything to tell.
 * @param {boolean} isOn Whether it can be started.
 */
function showWhy(about, isTelling, isOn) {
  const found = about.querySelector(':scope > .sandlot-why');
  if (!isTelling) {
    found?.remove();
    return;
  }
  const words = isOn ? 'Why wait' : 'Why not';
  const known = found?.querySelector('summary');
  if (known) {
    setText(known, words);
    return;
  }
  const why = document.createElement('details');
  const summary = document.createElement('summary');
  why.className = 'sandlot-why';
  summary.textContent = words;
  why.append(summary);
  about.append(why);
}

/**
 * @param {Reason | null} reason
 * @returns {string}
 */
function messageOf(reason) {
  return reason?.message ?? '';
}
