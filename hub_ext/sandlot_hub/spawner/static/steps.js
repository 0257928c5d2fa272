/** The steps of a start, and what happened in it, as the progress page shows them. */

import { formatDuration } from './times.js';

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

const MINUTE = 60;

/** @type {Record<State, { mark: string, word: string }>} */
const SHOWN = {
  done: { mark: '✓', word: 'Done: ' },
  failed: { mark: '✕', word: 'Failed: ' },
  now: { mark: '◐', word: 'Now: ' },
  waiting: { mark: '○', word: 'Later: ' }
};

/**
 * Show what an event says of a step; the ones before it are done, as `shown_steps.py` has it.
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
      if (item.dataset.began !== undefined) {
        item.dataset.ended ??= moment(event);
      }
    } else if (index === position) {
      setStep(item, event.state ?? 'now', event.message);
      item.dataset.began ??= moment(event);
    } else {
      setStep(item, 'waiting');
    }
    if (index === position && event.state === 'done') {
      item.dataset.ended = moment(event);
    } else if (index >= position) {
      delete item.dataset.ended;
    }
  });
}

/**
 * Say how long the steps took, and how long the present one lasts.
 *
 * @param {Element} list
 * @param {number} now Seconds since the start began.
 */
export function showTimes(list, now) {
  for (const item of list.querySelectorAll('li')) {
    const { began, ended, state } = item.dataset;
    const lasts = began !== undefined && (state === 'now' || state === 'done');
    const seconds = lasts ? Number(ended ?? now) - Number(began) : 0;
    // A step that took no time took none.
    write(item, '.sandlot-took', seconds < 1 ? '' : formatDuration(seconds));
  }
}

/** @param {StartEvent} event */
function moment(event) {
  return String(event.seconds ?? 0);
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
  const took = part('sandlot-took');
  took.setAttribute('aria-live', 'off');
  item.append(mark, words, took);
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
  time.textContent = since(event.seconds);
  const words = document.createElement('span');
  words.textContent = [event.message, ...(event.details ?? [])].join('\n');
  line.append(time, words);
  log.prepend(line);
}

/** @param {number | undefined} seconds Since the start began. */
function since(seconds) {
  if (seconds === undefined) {
    return '';
  }
  return seconds < MINUTE ? `${seconds.toFixed(1)} s` : formatDuration(seconds);
}

/** @param {string} names */
function part(names) {
  const element = document.createElement('span');
  element.className = names;
  return element;
}
