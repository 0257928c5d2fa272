/**
 * The spawn form, better with scripts. Everything here changes a form that works as it came.
 *
 * @import { Choice } from './links.js'
 */

import { find, setText, show } from './dom.js';
import { follow } from './following.js';
import { Gate } from './gate.js';
import { Instead } from './instead.js';
import { fromHash, fromQuery } from './links.js';
import { Live } from './live.js';
import { takeNotice } from './notice.js';
import { Pairs } from './pairs.js';
import { History } from './references.js';
import { Search } from './search.js';
import { boxOf, Selection } from './selection.js';
import { fetchTicket, xsrfToken } from './ticket.js';
import { showAges } from './times.js';
import { Links, wireNamedServer } from './tools.js';
import { Unlisted } from './unlisted.js';
import { View } from './view.js';

/**
 * Make the form of this page alive.
 *
 * @param {HTMLElement} root
 * @param {HTMLFormElement} form
 */
function start(root, form) {
  const { dataset } = root;
  const place = {
    origin: location.origin,
    server: dataset.server ?? '',
    spawnUrl: dataset.spawnUrl ?? ''
  };
  const selection = new Selection(root);
  const news = find('sandlot-live', HTMLElement);
  const notice = find('sandlot-notice', HTMLElement);
  const instead = new Instead(selection);
  const pairs = new Pairs(selection);
  const gate = new Gate({
    fitting: find('sandlot-fitting', HTMLElement),
    form,
    instead,
    pairs,
    reason: find('sandlot-blocked', HTMLElement),
    selection,
    status: find('sandlot-starting', HTMLElement)
  });
  const links = new Links({ place, selection });
  const unlisted = new Unlisted({
    history: new History({
      key: `sandlot:${place.spawnUrl}:references`,
      storage: () => localStorage
    }),
    root,
    selection
  });

  /** After somebody, or the server, has changed something. */
  const update = () => {
    for (const group of root.querySelectorAll('[data-sandlot-profile]')) {
      if (group instanceof HTMLElement)
        group.hidden = group.dataset.sandlotProfile !== selection.profile;
    }
    selection.settle();
    unlisted.update();
    pairs.update();
    instead.relabel(root);
    gate.update();
    links.update();
  };

  /**
   * @param {Choice | null} choice
   * @returns {HTMLInputElement | null} What was not chosen before.
   */
  const fill = choice => {
    if (!choice) return null;
    const { problems, changed } = selection.fill(choice);
    update();
    show(notice, problems.join(' '));
    return changed;
  };

  let waited = waitReason(selection);
  const live = new Live({
    start: {
      age: Number(dataset.age),
      known: dataset.known === 'true',
      settings: dataset.settings ?? '',
      ticket: dataset.ticket ?? '',
      url: dataset.streamUrl ?? ''
    },
    fetch: (input, init) => fetch(input, init),
    line: find('sandlot-age', HTMLElement),
    monotonic: () => performance.now(),
    onChange: () => {
      const before = gate.why;
      update();
      // The reason beside the button is read out as it appears; all else is told here.
      const waits = waitReason(selection);
      const isFree = gate.why === '' && waits === '';
      if (news && waits !== '' && waited === '') setText(news, waits);
      if (news && isFree && (before !== '' || waited !== ''))
        setText(news, `Available again: ${selection.title}.`);
      waited = waits;
    },
    onNews: sentence => {
      show(notice, sentence);
    },
    renew: () =>
      fetchTicket({
        fetch: (input, init) => fetch(input, init),
        url: dataset.ticketUrl ?? '',
        xsrf: xsrfToken(form)
      }),
    view: new View(selection)
  });

  root.addEventListener('change', update);
  root.addEventListener('input', () => {
    links.update();
  });
  // Also in the bar of the button, which is not the form's own.
  form.addEventListener('click', event => {
    const link = alternativeOf(event);
    const choice = link && fromQuery(link.search);
    if (!choice) return;
    event.preventDefault();
    const changed = fill(choice) ?? selection.chosen('size');
    changed?.focus();
    if (news) setText(news, `Chosen: ${selection.title}.`);
  });
  form.addEventListener('submit', event => {
    if (!event.defaultPrevented) unlisted.remember();
  });
  window.addEventListener('hashchange', () => {
    fill(fromHash(location.hash));
  });
  follow(live, () => {
    gate.reopen();
    update();
    live.open();
  });

  wireSearch(root);
  showTools(form);
  placeAge(form);
  wireNamedServer({
    go: url => {
      location.assign(url);
    },
    place,
    selection
  });
  for (const inside of root.querySelectorAll('.sandlot-inside'))
    showAges(inside, Date.now());
  update();
  const left = takeNotice() ?? '';
  show(notice, left);
  // The page begins with the focus on a choice: let it be the one that is filled in.
  const filled = fill(fromHash(location.hash));
  // What the page before has left stands before what the address could not fill in.
  if (left && notice && notice.textContent !== left)
    show(notice, `${left} ${notice.textContent}`.trim());
  if (filled && root.contains(document.activeElement))
    (selection.chosen('profile') ?? selection.chosen('image'))?.focus();
}

/**
 * @param {MouseEvent} event
 * @returns {HTMLAnchorElement | null} The link to what fits instead that was followed here.
 */
function alternativeOf(event) {
  const isElsewhere =
    event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey;
  if (isElsewhere || !(event.target instanceof Element)) return null;
  return event.target.closest('.sandlot-instead a');
}

/**
 * @param {Selection} selection
 * @returns {string} What a start of the chosen size would wait for; empty when it would not.
 */
function waitReason(selection) {
  const size = selection.chosen('size');
  const box = size && boxOf(size);
  if (box?.dataset.state !== 'wait') return '';
  return box.querySelector('.sandlot-reason')?.textContent ?? '';
}

/** @param {HTMLElement} root */
function wireSearch(root) {
  const box = find('sandlot-search-box', HTMLElement);
  const field = find('sandlot-search', HTMLInputElement);
  const found = find('sandlot-found', HTMLElement);
  if (box && field && found) new Search({ box, field, found, root });
}

/** @param {HTMLFormElement} form Also one of an administrator's own page. */
function showTools(form) {
  const tools = find('sandlot-tools', HTMLElement);
  if (!tools) return;
  form.append(tools);
  tools.hidden = false;
}

/** @param {HTMLFormElement} form The page of an administrator may have no bar. */
function placeAge(form) {
  const age = find('sandlot-age', HTMLElement);
  if (age) form.querySelector('.sandlot-actions')?.append(age);
}

const root = document.getElementById('sandlot-form');
const form = root?.closest('form');
if (root && form) start(root, form);
