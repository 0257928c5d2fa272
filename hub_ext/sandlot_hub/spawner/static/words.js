/**
 * What stands beside a choice on an open page: the words that the server sends, and ours for what
 * is not known.
 *
 * @import { ImageOffer, OfferWords, SizeOffer } from '../../../../labextension/src/wire'
 */

/** @typedef {OfferWords} Words */

/** @type {Words} */
const OFF = { mark: 'off', text: 'not available' };
/** @type {Words} */
export const UNKNOWN = { mark: 'unknown', text: 'not known' };
/** @type {Words} */
const NOTHING = { mark: '', text: '' };

/**
 * @param {Pick<SizeOffer, 'state' | 'words'>} offer Of a size, or a profile.
 * @returns {Words | null} Null where only the hub counts: what it rendered stays.
 */
export function wordsOf({ state, words }) {
  return state === 'unknown' ? UNKNOWN : words;
}

/**
 * An image that can be started says nothing: most can.
 *
 * @param {Pick<ImageOffer, 'state'>} image
 * @returns {Words}
 */
export function imageWords(image) {
  if (image.state === 'unknown') return UNKNOWN;
  return image.state === 'available' ? NOTHING : OFF;
}
