/**
 * Images and sizes that do not go together, each of which is fine: what the hub would refuse.
 *
 * @import { Choice } from './links.js'
 * @import { Selection } from './selection.js'
 */

import { setPart } from './dom.js';
import { boxOf, isImpossible, nameOf, UNLISTED } from './selection.js';

/** How the settings call an image that somebody writes. */
const CUSTOM = 'custom';

/** Tells which go together in the chosen profile. */
export class Pairs {
  /** @param {Selection} selection */
  constructor(selection) {
    this.#selection = selection;
  }

  /** Mark the sizes that the chosen image does not go with; they can still be chosen first. */
  update() {
    const image = this.#selection.chosen('image');
    for (const size of this.#selection.radios('size')) {
      const about = boxOf(size)?.querySelector('.sandlot-about');
      const isOdd = image !== null && !goTogether(image, size);
      const words = isOdd ? `does not go with ${titleOf(image)}` : '';
      if (about) setPart(about, 'sandlot-mismatch', words);
    }
  }

  /** Why the chosen two do not go together, in the words of the hub; empty when they do. */
  get problem() {
    const image = this.#selection.chosen('image');
    const size = this.#selection.chosen('size');
    if (!image || !size || goTogether(image, size)) return '';
    if (image.value === UNLISTED)
      return `The size “${nameOf(size)}” runs none of the images that people name themselves. Choose another size.`;
    const isBare =
      image.dataset.sandlotNeeds === 'accelerator' &&
      size.dataset.sandlotHas !== 'accelerator';
    const [first, second] = [nameOf(image), nameOf(size)];
    const why = isBare
      ? `The image “${first}” needs an accelerator, and the size “${second}” has none.`
      : `The image “${first}” does not work with the size “${second}”.`;
    return `${why} Choose another size or another image.`;
  }

  /** The nearest that goes together: another size, else another image. Null without one. */
  get nearest() {
    const { choice } = this.#selection;
    const image = this.#selection.chosen('image');
    const size = this.#selection.chosen('size');
    if (!image || !size) return null;
    const other = nearestTo(size, this.#selection.radios('size'), radio =>
      goTogether(image, radio)
    );
    if (other) return { ...choice, size: other.value };
    const another = nearestTo(image, this.#selection.radios('image'), radio =>
      goTogether(radio, size)
    );
    return another && { ...choiceWithout(choice), image: another.value };
  }

  #selection;
}

/**
 * @param {HTMLInputElement} image
 * @param {HTMLInputElement} size
 * @returns {boolean}
 */
function goTogether(image, size) {
  const slug = image.value === UNLISTED ? CUSTOM : image.value;
  return !(size.dataset.sandlotWithout ?? '').split(' ').includes(slug);
}

/**
 * @param {HTMLInputElement} wanted
 * @param {HTMLInputElement[]} all In the order of the catalogue, in which neighbours are alike.
 * @param {(radio: HTMLInputElement) => boolean} fits
 * @returns {HTMLInputElement | null}
 */
function nearestTo(wanted, all, fits) {
  const middle = all.indexOf(wanted);
  const distance = (/** @type {HTMLInputElement} */ radio) =>
    Math.abs(all.indexOf(radio) - middle);
  const fitting = all.filter(
    radio => radio.value !== UNLISTED && fits(radio) && !isImpossible(radio)
  );
  fitting.sort((one, two) => distance(one) - distance(two));
  return fitting[0] ?? null;
}

/**
 * @param {Choice} choice
 * @returns {Choice} Without what is written in place of an image.
 */
function choiceWithout({ profile, size }) {
  return {
    ...(profile === undefined ? {} : { profile }),
    ...(size === undefined ? {} : { size })
  };
}

/**
 * @param {HTMLInputElement} image
 * @returns {string}
 */
function titleOf(image) {
  return image.value === UNLISTED
    ? 'images that people name themselves'
    : nameOf(image);
}
