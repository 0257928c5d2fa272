/** Where a page gets its next ticket: from the hub, with the cookie of whoever looks at it. */

import { LoggedOut } from './stream.js';

const TIMEOUT_MS = 10_000;

/**
 * @param {{ url: string, xsrf: string, fetch: typeof globalThis.fetch }} options
 * @returns {Promise<string>} The ticket.
 * @throws {LoggedOut} The hub does not know who asks, or gives this person none.
 */
export async function fetchTicket({ url, xsrf, fetch }) {
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort();
  }, TIMEOUT_MS);
  try {
    const reply = await fetch(url, {
      cache: 'no-store',
      credentials: 'same-origin',
      headers: { Accept: 'application/json', 'X-XSRFToken': xsrf },
      redirect: 'manual',
      signal: limit.signal
    });
    // A hub that wants a login sends browsers there.
    const isRedirect = reply.type === 'opaqueredirect';
    if (isRedirect || reply.status === 401 || reply.status === 403)
      throw new LoggedOut();
    if (!reply.ok) throw new Error(`status ${reply.status}`);
    /** @type {unknown} */
    const told = await reply.json();
    return /** @type {{ ticket: string }} */ (told).ticket;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Return the token that the hub asks of everything that a page sends.
 *
 * @param {HTMLFormElement} form
 * @returns {string} Empty when the form has none.
 */
export function xsrfToken(form) {
  const action = form.getAttribute('action') ?? '';
  return new URL(action, 'http://hub').searchParams.get('_xsrf') ?? '';
}
