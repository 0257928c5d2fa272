/**
 * The home page: stop, cancel, delete and name servers. The list of servers is always the
 * hub's own rendering, fetched again after every change and put in place.
 */

import { WORDS } from './home_words.js';
import { BROWSER, fetchPart, stopServer } from './hub.js';
import { serverName } from './slug.js';
import { showAges } from './times.js';

/** @typedef {import('./home_words.js').Action} Action */
/** @typedef {import('./home_words.js').Words} Words */

const AGES_MS = 10_000; // between two updates of the texts that say how long ago
const LOOK_MS = 3000; // between two looks at servers that start or stop

/**
 * What a page needs of the browser besides its document.
 *
 * @typedef {object} Surroundings
 * @property {Pick<Location, 'href' | 'assign'>} location
 * @property {() => number} clock Milliseconds since 1970.
 * @property {import('./hub.js').Window} browser
 */

/** @type {Surroundings} */
const HERE = {
  browser: BROWSER,
  clock: () => Date.now(),
  location: window.location
};

/** One home page. */
export class HomePage {
  /**
   * @param {HTMLElement} main
   * @param {Surroundings} [surroundings]
   */
  constructor(main, surroundings = HERE) {
    this.main = main;
    this.around = surroundings;
    this.busy = 0;
    /** @type {(yes: boolean) => void} To the question that is open, if there is one. */
    this.answer = () => undefined;
  }

  /** Make the page work. */
  run() {
    this.main.addEventListener('click', event => {
      const target = event.target instanceof Element ? event.target : null;
      const button = target?.closest('[data-action]');
      if (button instanceof HTMLElement) {
        void this.act(button);
      }
    });
    const dialog = this.find('sandlot-ask');
    // Not its end, which is told so late that the next question may be open already.
    dialog.addEventListener('submit', event => {
      const button = /** @type {SubmitEvent} */ (event).submitter;
      this.answer(button?.id === 'sandlot-ask-yes');
    });
    dialog.addEventListener('cancel', () => {
      this.answer(false);
    });
    this.prepareName();
    this.dress();
    setInterval(() => {
      showAges(this.main, this.around.clock());
    }, AGES_MS);
    setInterval(() => {
      if (
        this.main.querySelector(
          '[data-state$="ing"]:not([data-state="running"])'
        )
      ) {
        void this.refresh();
      }
    }, LOOK_MS);
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) {
        void this.refresh();
      }
    });
  }

  /** Add what needs JavaScript to what the hub has rendered. */
  dress() {
    for (const button of this.main.querySelectorAll('[data-action]')) {
      button.toggleAttribute('hidden', false);
    }
    showAges(this.main, this.around.clock());
  }

  /** @param {HTMLElement} button */
  async act(button) {
    const row = /** @type {HTMLElement | null} */ (
      button.closest('[data-server]')
    );
    const action = /** @type {Action} */ (button.dataset.action);
    if (!row || button.hasAttribute('aria-disabled')) {
      return;
    }
    const { apiUrl = '', title = '' } = row.dataset;
    const words = WORDS[action];
    if (words.ask && !(await this.ask(words, title))) {
      return;
    }
    button.setAttribute('aria-disabled', 'true');
    this.say(words.doing(title));
    this.busy += 1;
    const trouble = await stopServer(
      { apiUrl, xsrf: this.main.dataset.xsrf ?? '' },
      { browser: this.around.browser, remove: action === 'delete' }
    );
    this.busy -= 1;
    button.removeAttribute('aria-disabled');
    this.say(trouble || words.done(title));
    await this.refresh();
  }

  /**
   * @param {Words} words
   * @param {string} title
   * @returns {Promise<boolean>} Whether the answer was yes.
   */
  async ask(words, title) {
    const dialog = /** @type {HTMLDialogElement} */ (this.find('sandlot-ask'));
    this.find('sandlot-ask-title').textContent = words.ask?.(title) ?? '';
    this.find('sandlot-ask-text').textContent = words.lost;
    this.find('sandlot-ask-no').textContent = words.no;
    this.find('sandlot-ask-yes').textContent = words.yes;
    // A question that the browser took away without telling.
    this.answer(false);
    return new Promise(resolve => {
      this.answer = resolve;
      dialog.showModal();
    });
  }

  /** Put the list in place as the hub has it now, if it differs. */
  async refresh() {
    const { browser, location } = this.around;
    const xsrf = this.main.dataset.xsrf ?? '';
    const selector = '#sandlot-home';
    const found = await fetchPart(location.href, { browser, selector, xsrf });
    // While something is being done its row says so, not what the hub knew a moment before.
    const fresh = found?.part.querySelector('#sandlot-servers');
    if (!fresh || this.busy) {
      return;
    }
    const list = this.find('sandlot-servers');
    const rows = new Map(
      [...list.children].map(row => [row.getAttribute('data-server'), row])
    );
    const focused = document.activeElement;
    const place = focused
      ?.closest('[data-server]')
      ?.getAttribute('data-server');
    list.replaceChildren(
      ...[...fresh.children].map(row => {
        const old = rows.get(row.getAttribute('data-server'));
        return old && same(old, row) ? old : row;
      })
    );
    this.dress();
    if (place !== undefined && place !== null && !focused?.isConnected) {
      this.focusRow(focused?.id ?? '', place);
    }
  }

  /**
   * @param {string} id Of the element that had the focus.
   * @param {string} name Of the server whose row it was in.
   */
  focusRow(id, name) {
    const again = id ? document.getElementById(id) : null;
    const row = this.rows().find(each => each.dataset.server === name);
    const next = again ?? row?.querySelector('a, button');
    (next instanceof HTMLElement ? next : this.find('sandlot-said')).focus();
  }

  /** Let people name a new server, by the hub's rules. */
  prepareName() {
    const form = document.getElementById('sandlot-new');
    const input = document.getElementById('sandlot-name');
    if (!form || !(input instanceof HTMLInputElement)) {
      return;
    }
    form.hidden = false;
    input.addEventListener('input', () => {
      this.hint(input.value);
    });
    form.addEventListener('submit', event => {
      event.preventDefault();
      const name = serverName(input.value);
      if (name && !this.hint(input.value)) {
        const shown = encodeURIComponent(input.value.trim());
        const spawn = form.dataset.spawnUrl ?? '';
        this.around.location.assign(`${spawn}/${name}?display_name=${shown}`);
      }
    });
  }

  /**
   * @param {string} text What was typed.
   * @returns {boolean} Whether there is such a server already.
   */
  hint(text) {
    const name = serverName(text);
    const taken =
      !!name && this.rows().some(row => row.dataset.server === name);
    let words = '';
    if (taken) {
      words = `You have a server “${name}” already. Next: give this one another name.`;
    } else if (name && name !== text.trim()) {
      words = `In addresses it is called “${name}”.`;
    }
    this.find('sandlot-name-hint').textContent = words;
    return taken;
  }

  /** @returns {HTMLElement[]} */
  rows() {
    return [...this.main.querySelectorAll('li')].filter(
      row => row.dataset.server !== undefined
    );
  }

  /** @param {string} text */
  say(text) {
    this.find('sandlot-said').textContent = text;
  }

  /**
   * @param {string} id
   * @returns {HTMLElement}
   */
  find(id) {
    return /** @type {HTMLElement} */ (document.getElementById(id));
  }
}

/**
 * @param {Element} shown
 * @param {Element} fresh
 * @returns {boolean} Whether nothing has changed. The texts of times do all the time.
 */
function same(shown, fresh) {
  return facts(shown) === facts(fresh);
}

/** @param {Element} row */
function facts(row) {
  const copy = /** @type {Element} */ (row.cloneNode(true));
  for (const time of copy.querySelectorAll('time')) {
    time.replaceWith(time.getAttribute('datetime') ?? '');
  }
  const links = [...copy.querySelectorAll('a')].map(link =>
    link.getAttribute('href')
  );
  return [
    row.getAttribute('data-state'),
    copy.textContent.replace(/\s+/g, ' '),
    ...links
  ].join('\n');
}

const main = document.getElementById('sandlot-home');
if (main) {
  new HomePage(main).run();
}
