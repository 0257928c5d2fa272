/** What these pages ask of the hub, always as whoever is logged in in this browser. */

const WAIT_MS = 30_000; // longer than the hub keeps a request to stop open
const LOOK_MS = 1000; // between two looks whether a server has ended
const LOOKS = 90;

/**
 * @typedef {object} Window What of the browser is used, so that tests can bring their own.
 * @property {typeof fetch} fetch
 * @property {(ms: number) => Promise<void>} pause
 */

/**
 * One server of the hub's REST API.
 *
 * @typedef {object} Server
 * @property {string} apiUrl
 * @property {string} xsrf The hub's token against forged requests.
 */

/** @type {Window} */
export const BROWSER = {
  fetch: (input, init) => fetch(input, init),
  pause: ms => new Promise(resolve => setTimeout(resolve, ms))
};

/**
 * Stop a server or its start, and return when nothing of it runs any more.
 *
 * @param {Server} server
 * @param {{ remove?: boolean, browser?: Window }} [options] `remove`: forget a named server, too.
 * @returns {Promise<string>} Empty, or a sentence that says why it may still run.
 */
export async function stopServer(
  server,
  { remove = false, browser = BROWSER } = {}
) {
  try {
    const reply = await browser.fetch(server.apiUrl, {
      ...asked(server),
      body: remove ? JSON.stringify({ remove }) : null,
      method: 'DELETE'
    });
    if (reply.ok) {
      return await untilStopped(server, browser);
    }
    return reply.status === 403
      ? 'You are not logged in any more. Next: load this page again.'
      : `The hub could not stop it (status ${reply.status}). Next: try again.`;
  } catch {
    return 'The hub does not answer. Next: try again.';
  }
}

/**
 * Return when a server is stopped: the hub answers earlier when stopping takes long, and for a
 * second after it cancels a start it calls the server ready.
 *
 * @param {Server} server
 * @param {Window} browser
 * @returns {Promise<string>} Empty, or a sentence that says why it may still run.
 */
async function untilStopped(server, browser) {
  for (let look = 0; look < LOOKS; look += 1) {
    const model = await lookAt(server, browser);
    if (model?.stopped) {
      return '';
    }
    await browser.pause(LOOK_MS);
  }
  return 'It is still being stopped. Next: look again in a minute.';
}

/**
 * Return when the hub knows whether a server runs that it has found after its own start.
 *
 * @param {Server} server
 * @param {Window} [browser]
 */
export async function untilChecked(server, browser = BROWSER) {
  for (;;) {
    await browser.pause(LOOK_MS);
    const model = await lookAt(server, browser).catch(() => null);
    if (model && model.pending !== 'check') {
      return;
    }
  }
}

/**
 * @typedef {object} Model
 * @property {boolean} stopped
 * @property {string | null} pending
 */

/**
 * @param {Server} server
 * @param {Window} browser
 * @returns {Promise<Model | null>} Null when the hub does not say.
 */
async function lookAt(server, browser) {
  const reply = await browser.fetch(server.apiUrl, asked(server));
  if (reply.status === 404) {
    return { pending: null, stopped: true };
  }
  if (!reply.ok) {
    return null;
  }
  /** @type {unknown} */
  const model = await reply.json();
  return /** @type {Model} */ (model);
}

/**
 * Return a part of a page as the hub renders it now.
 *
 * @param {string} url
 * @param {{ selector: string, xsrf: string, browser?: Window }} wanted
 * @returns {Promise<{ part: Element, title: string } | null>} Null when there is none: the hub
 * does not answer, leads elsewhere, or a page of the administrator has no such part.
 */
export async function fetchPart(url, { selector, xsrf, browser = BROWSER }) {
  try {
    const reply = await browser.fetch(url, viewed(xsrf));
    const html = await reply.text();
    const page = new DOMParser().parseFromString(html, 'text/html');
    const part = page.querySelector(selector);
    return part && { part, title: page.title };
  } catch {
    return null;
  }
}

/**
 * @param {string} url
 * @param {{ xsrf: string, browser?: Window }} wanted
 * @returns {Promise<boolean>} Whether the hub itself answers there, and not a proxy before it.
 */
export async function hubAnswers(url, { xsrf, browser = BROWSER }) {
  try {
    const reply = await browser.fetch(url, viewed(xsrf));
    const redirected = reply.type === 'opaqueredirect';
    return redirected || reply.headers.has('X-JupyterHub-Version');
  } catch {
    return false;
  }
}

/**
 * @param {string} xsrf
 * @returns {RequestInit} A page view. Only those of the address bar need no token.
 */
function viewed(xsrf) {
  return {
    cache: 'no-store',
    credentials: 'same-origin',
    headers: { 'X-XSRFToken': xsrf },
    redirect: 'manual',
    signal: AbortSignal.timeout(WAIT_MS)
  };
}

/**
 * @param {Server} server
 * @returns {RequestInit}
 */
function asked(server) {
  return {
    credentials: 'same-origin',
    headers: { 'X-XSRFToken': server.xsrf },
    signal: AbortSignal.timeout(WAIT_MS)
  };
}
