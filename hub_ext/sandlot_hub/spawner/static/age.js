/** How old what the page shows is, in words. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Younger than this nobody needs to be told that the page is catching up. */
const RECENT = 10;

/**
 * @typedef {'live' | 'connecting' | 'broken' | 'crowded' | 'ended' | 'none'} Connection
 * Whether changes arrive: now, soon, not at the moment, not to so many pages, no longer, never.
 */

/**
 * Say how long ago something was.
 *
 * @param {number} seconds Negative counts as nothing.
 * @returns {string} Such as "3 s ago", "2 min ago", "3 days ago".
 */
export function ago(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) return `${whole} s ago`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ago`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)} h ago`;
  const days = Math.floor(whole / DAY);
  return days === 1 ? '1 day ago' : `${days} days ago`;
}

/**
 * Say how far the availability on the page can be relied on.
 *
 * @param {{ age: number, known: boolean, counting?: boolean, connection: Connection }} now Age in seconds.
 * @returns {string} One line.
 */
export function describeAge({ age, known, counting = false, connection }) {
  const words = known
    ? `Availability as of ${ago(age)}`
    : counting
      ? 'What is free is still being counted; the hub checks it when you start'
      : `Availability is not known since ${ago(age).replace(' ago', '')}; the hub checks it when you start`;
  switch (connection) {
    case 'broken':
      return `${words}, reconnecting…`;
    case 'crowded':
      return `${words}. Too many pages are open to follow all. Next: close some of yours.`;
    case 'connecting':
      return age < RECENT ? `${words}.` : `${words}, updating…`;
    case 'ended':
      return `${words}. You are logged out. Next: reload the page.`;
    case 'none':
      return age < RECENT
        ? `${words}.`
        : `${words}. Reload the page to see changes.`;
    case 'live':
      return `${words}.`;
  }
}

/**
 * The age of what was sent with its age: no two machines need the same clock.
 */
export class Age {
  /**
   * @param {{ seconds: number, monotonic: () => number }} start Clock in milliseconds.
   */
  constructor({ seconds, monotonic }) {
    this.#monotonic = monotonic;
    this.#base = monotonic() - seconds * 1000;
  }

  /** @param {number} seconds How old it was when it arrived, just now. */
  set(seconds) {
    this.#base = this.#monotonic() - seconds * 1000;
  }

  /** Seconds. */
  get seconds() {
    return (this.#monotonic() - this.#base) / 1000;
  }

  /** @type {() => number} */
  #monotonic;
  /** @type {number} */
  #base;
}
