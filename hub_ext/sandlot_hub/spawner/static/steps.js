/** The steps of a start, and what happened in it, as the progress page shows them. */

/**
 * An event of the hub's stream of progress. The hub's own have neither step nor state.
 *
 * @typedef {object} StartEvent
 * @property {string} [message] Plain text.
 * @property {string} [step]
 * @property {State} [state]
 * @property {number} [seconds] Since the start began.
 * @property {number} [progress] Per cent.
 * @property {string[]} [details] Lines that help to find the cause of a failure.
 * @property {boolean} [ready]
 * @property {boolean} [failed]
 */

/** @typedef {'done' | 'now' | 'failed' | 'waiting'} State */

/** @type {Record<State, { mark: string, word: string }>} */
const SHOWN = {
  done: { mark: '✓', word: 'Done: ' },
  failed: { mark: '✕', word: 'Failed: ' },
  now: { mark: '◐', word: 'Now: ' },
  waiting: { mark: '○', word: 'Later: ' }
};

/**
 * Show what an event says of a step; the ones before it are done.
 *
 * @param {Element} list Its items are the steps, in their order.
 * @param {StartEvent} event
 */
export function showStep(list, event) {
  if (!event.step || !event.state) {
    return;
  }
  const steps = [...list.querySelectorAll('li')];
  let position = steps.findIndex(item => item.dataset.step === event.step);
  if (position < 0) {
    // Where servers run decides what steps there are; an unknown one comes after the known.
    steps.push(newStep(list, event.step));
    position = steps.length - 1;
  }
  steps.forEach((item, index) => {
    if (index < position) {
      setStep(item, 'done');
    } else if (index === position) {
      setStep(item, event.state ?? 'now', event.message);
    }
  });
}

/**
 * @param {Element} list
 * @param {string} name
 */
function newStep(list, name) {
  const item = document.createElement('li');
  item.dataset.step = name;
  const mark = part('sandlot-mark');
  mark.setAttribute('aria-hidden', 'true');
  const words = document.createElement('span');
  words.append(part('visually-hidden sandlot-word'), part('sandlot-text'));
  item.append(mark, words);
  list.append(item);
  return item;
}

/**
 * @param {HTMLLIElement} item
 * @param {State} state
 * @param {string} [text]
 */
function setStep(item, state, text) {
  // Only what differs is written: a screen reader reads out what is.
  if (item.dataset.state !== state) {
    item.dataset.state = state;
    write(item, '.sandlot-mark', SHOWN[state].mark);
    write(item, '.sandlot-word', SHOWN[state].word);
  }
  if (text) {
    write(item, '.sandlot-text', text);
  }
}

/**
 * @param {Element} item
 * @param {string} selector
 * @param {string} text
 */
function write(item, selector, text) {
  const element = item.querySelector(selector);
  if (element && element.textContent !== text) {
    element.textContent = text;
  }
}

/**
 * Add an event to the details, newest first, with its time.
 *
 * @param {Element} log
 * @param {StartEvent} event
 */
export function noteEvent(log, event) {
  if (!event.message) {
    return;
  }
  const line = document.createElement('li');
  const time = part('sandlot-at');
  time.textContent =
    event.seconds === undefined ? '' : `${event.seconds.toFixed(1)} s`;
  const words = document.createElement('span');
  words.textContent = [event.message, ...(event.details ?? [])].join('\n');
  line.append(time, words);
  log.prepend(line);
}

/** @param {string} names */
function part(names) {
  const element = document.createElement('span');
  element.className = names;
  return element;
}
