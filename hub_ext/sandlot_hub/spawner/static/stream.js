/**
 * What changes, as the server tells it: server-sent events over `fetch`, because an
 * `EventSource` cannot send the ticket in a header.
 *
 * @import { Connection } from './age.js'
 */

export const TICKET_HEADER = 'Sandlot-Page-Ticket';
/** The server says something every five seconds; after this long the line is dead. */
const SILENCE_MS = 20_000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

/**
 * @typedef {{ event: string, data: string }} ServerEvent
 */

/** Cuts text that arrives in any pieces into events. */
export class EventParser {
  /**
   * @param {string} piece
   * @returns {ServerEvent[]} What is complete now.
   */
  push(piece) {
    this.#rest += piece;
    const lines = this.#rest.split(/\r\n|\n/);
    this.#rest = lines.pop() ?? '';
    /** @type {ServerEvent[]} */
    const complete = [];
    for (const line of lines) {
      if (line !== '') this.#take(line);
      else if (this.#data.length > 0) {
        complete.push({ event: this.#event, data: this.#data.join('\n') });
        this.#reset();
      } else this.#reset();
    }
    return complete;
  }

  /** @param {string} line */
  #take(line) {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
  }

  #reset() {
    this.#event = 'message';
    this.#data = [];
  }

  #rest = '';
  #event = 'message';
  /** @type {string[]} */
  #data = [];
}

/** The server wants another ticket. */
class TicketWanted extends Error {}

/** The same person has too many pages open. */
class Crowded extends Error {}

/** Nobody is logged in here any more. */
export class LoggedOut extends Error {}

/**
 * @typedef {object} StreamOptions
 * @property {string} url
 * @property {string} ticket The first one, from the page.
 * @property {() => Promise<string>} renew Fetches the next; throws `LoggedOut` when there is none.
 * @property {string} [header] The header that the ticket is sent in.
 * @property {RequestCredentials} [credentials] Whether cookies are sent beside it; none are.
 * @property {(event: ServerEvent) => void} onEvent
 * @property {(connection: Connection) => void} onConnection
 * @property {typeof globalThis.fetch} fetch
 */

/** One line to the server, which is put up again whenever it breaks. */
export class Stream {
  /** @param {StreamOptions} options */
  constructor(options) {
    this.#options = options;
    this.#ticket = options.ticket;
  }

  /** Begin; does nothing when it has begun. */
  open() {
    if (this.#stop) return;
    this.#stop = new AbortController();
    this.#options.onConnection('connecting');
    void this.#follow(this.#stop.signal);
  }

  /** End, until `open` is called again. */
  close() {
    this.#stop?.abort();
    this.#stop = null;
  }

  /** @param {AbortSignal} stop */
  async #follow(stop) {
    this.#failures = 0;
    while (!stop.aborted) {
      /** @type {Connection} */
      let without = 'broken';
      try {
        await this.#once(stop);
        this.#failures += 1;
      } catch (error) {
        if (error instanceof LoggedOut) {
          if (!isOver(stop)) this.#options.onConnection('ended');
          return;
        }
        // A ticket ends every ten minutes: that is no failure, unless the new one ends at once.
        if (error instanceof TicketWanted && this.#failures === 0) {
          this.#failures = 1;
          continue;
        }
        if (error instanceof Crowded) without = 'crowded';
        this.#failures += 1;
      }
      if (isOver(stop)) return;
      this.#options.onConnection(without);
      await pause(waitBefore(this.#failures), stop);
    }
  }

  /**
   * Follow one connection to its end.
   *
   * @param {AbortSignal} stop
   */
  async #once(stop) {
    if (!this.#ticket) this.#ticket = await this.#options.renew();
    if (isOver(stop)) return;
    const line = new AbortController();
    const hangUp = () => {
      line.abort();
    };
    stop.addEventListener('abort', hangUp);
    let silence = setTimeout(hangUp, SILENCE_MS);
    const { credentials = 'omit', header = TICKET_HEADER } = this.#options;
    try {
      const reply = await this.#options.fetch(this.#options.url, {
        cache: 'no-store',
        credentials,
        headers: { Accept: 'text/event-stream', [header]: this.#ticket },
        signal: line.signal
      });
      if (reply.status === 401 || reply.status === 403) throw this.#spent();
      if (reply.status === 429) throw new Crowded();
      if (!reply.ok || !reply.body) throw new Error(`status ${reply.status}`);
      const parser = new EventParser();
      const decoder = new TextDecoder();
      const reader = reply.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(hangUp, SILENCE_MS);
        parser.push(decoder.decode(value, { stream: true })).forEach(event => {
          this.#hear(event);
        });
      }
    } finally {
      clearTimeout(silence);
      stop.removeEventListener('abort', hangUp);
      line.abort();
    }
  }

  /** @param {ServerEvent} event */
  #hear(event) {
    if (event.event === 'bye') {
      if (event.data.includes('ticket')) throw this.#spent();
      return;
    }
    this.#failures = 0;
    this.#options.onConnection('live');
    this.#options.onEvent(event);
  }

  #spent() {
    this.#ticket = '';
    return new TicketWanted();
  }

  /** @type {StreamOptions} */
  #options;
  #ticket;
  #failures = 0;
  /** @type {AbortController | null} */
  #stop = null;
}

/**
 * @param {AbortSignal} stop
 * @returns {boolean} Whether it has come while something was waited for.
 */
function isOver(stop) {
  return stop.aborted;
}

/**
 * Wait longer after each failure, and not all pages at the same time.
 *
 * @param {number} failures
 * @returns {number} Milliseconds.
 */
function waitBefore(failures) {
  const longest = Math.min(
    LONGEST_WAIT_MS,
    FIRST_WAIT_MS * 2 ** (failures - 1)
  );
  return longest * (0.5 + Math.random() / 2);
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} stop
 * @returns {Promise<void>}
 */
function pause(milliseconds, stop) {
  return new Promise(resolve => {
    const timer = setTimeout(done, milliseconds);
    stop.addEventListener('abort', done);
    function done() {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      resolve();
    }
  });
}
