/**
 * The words of `spawner/wording.py`, for what changes on an open page.
 *
 * @import { ImageOffer, ProfileOffer, SizeOffer } from '../../../../labextension/src/wire'
 */

/**
 * @typedef {object} Words
 * @property {'' | 'open' | 'free' | 'few' | 'full' | 'off' | 'unknown'} state Chooses the mark.
 * @property {string} text Empty where there is nothing to say.
 */

/** @type {Words} */
const OFF = { state: 'off', text: 'not available' };
/** @type {Words} */
const FULL = { state: 'full', text: 'full' };
/** @type {Words} */
const OPEN = { state: 'open', text: 'available' };
/** @type {Words} */
export const UNKNOWN = { state: 'unknown', text: 'not known' };
/** @type {Words} */
const NOTHING = { state: '', text: '' };

/**
 * Say how many places are free.
 *
 * @param {string | null} code Why it is off; null when it is on.
 * @param {number | null} places Null without a limit.
 * @param {number | null} taken Null when not known.
 * @returns {Words}
 */
export function availability(code, places, taken) {
  if (code !== null) return code === 'size-full' ? FULL : OFF;
  if (places === null) return OPEN;
  if (taken === null) return UNKNOWN;
  const free = Math.max(0, places - taken);
  if (free === 0) return FULL;
  return {
    state: free === 1 || free * 4 <= places ? 'few' : 'free',
    text: `${free} of ${places} free`
  };
}

/**
 * @param {Pick<SizeOffer, 'state' | 'reason' | 'places' | 'taken'>} size
 * @returns {Words}
 */
export function sizeWords(size) {
  if (size.state === 'unknown') return UNKNOWN;
  const code = size.state === 'available' ? null : (size.reason?.code ?? '');
  return availability(code, size.places, size.taken);
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

/**
 * @param {ProfileOffer} profile
 * @returns {Words}
 */
export function profileWords(profile) {
  if (profile.state === 'unknown') return UNKNOWN;
  if (profile.state === 'unavailable') return OFF;
  return availability(null, profile.places, profile.taken);
}
