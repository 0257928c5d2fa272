/**
 * A sentence that the next page of this tab shows, such as the spawn page after a start was
 * cancelled. Kept by the browser, so that it stands in no address that somebody could reload.
 */

const KEY = 'sandlot-notice';

/**
 * @param {string} text What the next page says.
 */
export function leaveNotice(text) {
  try {
    sessionStorage.setItem(KEY, text);
  } catch {
    // Storage can be forbidden or full; then the next page says nothing.
  }
}

/**
 * @returns {string | null} What the page before has left, once.
 */
export function takeNotice() {
  try {
    const text = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    return text;
  } catch {
    return null;
  }
}
