/**
 * The progress page follows a start: its steps, its end, and what people do about it.
 *
 * The hub renders every state of this page. What comes here are the changes; how a start has
 * ended is fetched from the hub and put in place, so that an open page, one that was loaded
 * again and one without JavaScript say the same.
 */

import {
  BROWSER,
  fetchPart,
  hubAnswers,
  stopServer,
  untilChecked
} from './hub.js';
import { leaveNotice } from './notice.js';
import { noteEvent, showStep, showTimes } from './steps.js';
import { formatDuration } from './times.js';

/** @typedef {import('./steps.js').StartEvent} StartEvent */

/**
 * What a page needs of the browser besides its document.
 *
 * @typedef {object} Surroundings
 * @property {(url: string) => EventSource} open
 * @property {Pick<Location, 'href' | 'assign' | 'reload'>} location
 * @property {() => number} now Milliseconds that never go back.
 * @property {import('./hub.js').Window} browser
 */

const SECOND_MS = 1000;
const FIRST_LOOK_MS = 1000; // after a lost connection, doubled up to the next
const LAST_LOOK_MS = 8000;
const CLOSED = 2; // EventSource.CLOSED
const LOST = 'The connection to the hub was lost, trying again…';

/** @type {Surroundings} */
const HERE = {
  browser: BROWSER,
  location: window.location,
  now: () => performance.now(),
  open: url => new EventSource(url)
};

/** One progress page. */
export class ProgressPage {
  /**
   * @param {HTMLElement} main
   * @param {Surroundings} [surroundings]
   */
  constructor(main, surroundings = HERE) {
    this.main = main;
    this.around = surroundings;
    this.data = /** @type {Record<string, string>} */ (main.dataset);
    this.over = false;
    this.cancelling = false;
    /** @type {EventSource | null} */
    this.events = null;
    this.opened = false;
    this.heard = 0; // seconds of the start
    this.began = surroundings.now() - Number(this.data.seconds) * SECOND_MS;
    this.timer = setInterval(() => {
      this.showElapsed();
    }, SECOND_MS);
  }

  /** Follow the start. */
  run() {
    this.showElapsed();
    const cancel = this.cancelButton();
    if (cancel) {
      cancel.hidden = false;
      cancel.addEventListener('click', () => void this.cancel());
    }
    if (this.data.pending === 'check') {
      void this.check();
    } else {
      this.connect();
    }
  }

  connect() {
    const events = this.around.open(this.data.progressUrl ?? '');
    this.events = events;
    events.onopen = () => {
      this.heard = this.opened ? 0 : Number(this.data.heard);
      this.opened = true;
      this.find('#sandlot-log')?.replaceChildren();
      this.say('');
    };
    events.onmessage = (/** @type {MessageEvent<string>} */ message) => {
      /** @type {unknown} */
      const event = JSON.parse(message.data);
      void this.take(/** @type {StartEvent} */ (event));
    };
    events.onerror = () => {
      if (this.over || this.cancelling) {
        return;
      }
      this.say(LOST);
      // A browser tries again by itself, unless the answer was no stream: the hub is away, or
      // the start is over.
      if (events.readyState === CLOSED) {
        void this.again();
      }
    };
  }

  async again() {
    await this.around.browser.pause(FIRST_LOOK_MS);
    await this.leave();
  }

  /**
   * Load the page again: the hub leads to the server, or says what became of it. A hub that is
   * being restarted, or whose start of this server another window cancels, tells us that the
   * server is ready, too; so it is looked first whether the hub is there.
   */
  async leave() {
    const { browser, location } = this.around;
    const xsrf = this.data.xsrf ?? '';
    for (let wait = FIRST_LOOK_MS; ; wait = Math.min(2 * wait, LAST_LOOK_MS)) {
      const answers = await hubAnswers(location.href, { browser, xsrf });
      if (this.cancelling) {
        return;
      }
      if (answers) {
        this.end();
        location.reload();
        return;
      }
      this.say(LOST);
      await browser.pause(wait);
    }
  }

  /** Wait until the hub, which has been restarted, knows whether the server runs. */
  async check() {
    await untilChecked(this.server(), this.around.browser);
    await this.leave();
  }

  /** @returns {import('./hub.js').Server} */
  server() {
    return { apiUrl: this.data.serverUrl ?? '', xsrf: this.data.xsrf ?? '' };
  }

  /** @param {StartEvent} event */
  async take(event) {
    // Whoever cancels is told how that went, not how the start did.
    if (this.over || this.cancelling) {
      return;
    }
    if (event.ready) {
      this.events?.close();
      await this.leave();
    } else if (event.failed) {
      this.end();
      await this.showOutcome();
    } else {
      this.showProgress(event.progress);
      const steps = this.find('#sandlot-steps');
      const log = this.find('#sandlot-log');
      if (steps && log) {
        this.showNews(steps, event);
        noteEvent(log, event);
      }
    }
  }

  /**
   * A connection tells everything from the beginning, of which the first one shows what is new
   * since the page was rendered: else its steps would run through once more, and be read out.
   *
   * @param {Element} steps
   * @param {StartEvent} event
   */
  showNews(steps, event) {
    const seconds = event.seconds ?? 0;
    if (seconds >= this.heard) {
      showStep(steps, event);
    }
    // The page was underway for a while when it arrived: its clock is behind the hub's.
    const began = this.around.now() - seconds * SECOND_MS;
    this.began = Math.min(this.began, began);
    this.showElapsed();
  }

  /** Put in place how the start has ended, as the hub tells it. */
  async showOutcome() {
    const { browser, location } = this.around;
    const xsrf = this.data.xsrf ?? '';
    const selector = '#sandlot-outcome';
    const found = await fetchPart(location.href, { browser, selector, xsrf });
    if (!found) {
      await this.leave();
      return;
    }
    const unfolded = this.find('#sandlot-details')?.hasAttribute('open');
    const inside = this.main.contains(document.activeElement);
    document.title = found.title;
    this.main.replaceChildren(...found.part.childNodes);
    this.find('#sandlot-details')?.toggleAttribute('open', unfolded);
    if (inside) {
      // Whoever was on the button that went away stays in this place of the page.
      /** @type {HTMLElement | null} */ (this.find('#start'))?.focus();
    }
  }

  async cancel() {
    const cancel = this.cancelButton();
    if (!cancel || this.over || this.cancelling) {
      return;
    }
    this.cancelling = true;
    cancel.setAttribute('aria-disabled', 'true');
    this.say('Cancelling the start…');
    const trouble = await stopServer(this.server(), {
      browser: this.around.browser
    });
    if (!trouble) {
      this.end();
      leaveNotice('Cancelled. Nothing is running.');
      this.around.location.assign(this.data.spawnUrl ?? '');
      return;
    }
    this.cancelling = false;
    cancel.removeAttribute('aria-disabled');
    this.say(`The start was not cancelled. ${trouble}`);
    // It went on meanwhile, and nothing that it told was shown.
    this.events?.close();
    this.connect();
  }

  end() {
    this.over = true;
    this.events?.close();
    clearInterval(this.timer);
  }

  showElapsed() {
    const seconds = (this.around.now() - this.began) / SECOND_MS;
    const elapsed = this.find('#sandlot-elapsed');
    if (elapsed) {
      elapsed.textContent = formatDuration(seconds);
    }
    const steps = this.find('#sandlot-steps');
    if (steps) {
      showTimes(steps, seconds);
    }
  }

  /** @param {number | undefined} percent */
  showProgress(percent) {
    const bar = this.find('#sandlot-progress');
    if (percent === undefined || !bar) {
      return;
    }
    bar.setAttribute('aria-valuenow', String(percent));
    const inner = bar.firstElementChild;
    if (inner instanceof HTMLElement) {
      inner.style.width = `${percent}%`;
    }
  }

  /** @param {string} text What is to be known about this page itself. */
  say(text) {
    const status = this.find('#sandlot-connection');
    if (status) {
      status.textContent = text;
    }
  }

  cancelButton() {
    return /** @type {HTMLElement | null} */ (this.find('#sandlot-cancel'));
  }

  /** @param {string} selector */
  find(selector) {
    return this.main.querySelector(selector);
  }
}

const main = document.getElementById('sandlot-pending');
if (main) {
  new ProgressPage(main).run();
}
