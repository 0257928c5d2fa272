/** Durations and moments as people read them. */

import { ago } from './age.js';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * @param {number} seconds
 * @returns {string} Such as `12 s`, `1 min 12 s`, `2 h 10 min` or `3 d 4 h`.
 */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) {
    return `${whole} s`;
  }
  if (whole < HOUR) {
    return pair(whole, MINUTE, 'min', 1, 's');
  }
  return whole < DAY
    ? pair(whole, HOUR, 'h', MINUTE, 'min')
    : pair(whole, DAY, 'd', HOUR, 'h');
}

/**
 * @param {number} whole Seconds.
 * @param {number} large Seconds of the larger unit.
 * @param {string} largeName
 * @param {number} small Seconds of the smaller unit.
 * @param {string} smallName
 */
function pair(whole, large, largeName, small, smallName) {
  const rest = Math.floor((whole % large) / small);
  const first = `${Math.floor(whole / large)} ${largeName}`;
  return rest ? `${first} ${rest} ${smallName}` : first;
}

/**
 * Say how long ago the moments of a part of the page were, with the exact time on hover.
 *
 * @param {ParentNode} part Its `time` elements are rewritten.
 * @param {number} now Milliseconds since 1970.
 */
export function showAges(part, now) {
  for (const element of part.querySelectorAll('time[datetime]')) {
    const then = Date.parse(element.getAttribute('datetime') ?? '');
    if (!Number.isNaN(then) && element instanceof HTMLElement) {
      element.title = new Date(then).toLocaleString();
      element.textContent = ago((now - then) / 1000);
    }
  }
}
