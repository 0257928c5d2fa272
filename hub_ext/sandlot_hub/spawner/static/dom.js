/** Small changes of a page that keep focus, selection and scrolling as they are. */

/**
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  // Writing the same again would be read out again.
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Set the text of a part that is there only when it says something.
 *
 * @param {Element} parent
 * @param {string} name Its class.
 * @param {string} text Empty takes it away.
 */
export function setPart(parent, name, text) {
  const found = parent.querySelector(`:scope > .${name}`);
  if (text === '') {
    found?.remove();
    return;
  }
  if (found) {
    setText(found, text);
    return;
  }
  const made = document.createElement(
    name === 'sandlot-state' ? 'span' : 'div'
  );
  made.className = name;
  made.textContent = text;
  if (name === 'sandlot-state') parent.prepend(made);
  else parent.append(made);
}

/**
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T | null}
 */
export function find(id, kind) {
  const element = document.getElementById(id);
  return element instanceof kind ? element : null;
}

/**
 * Show a text, or hide its place.
 *
 * @param {HTMLElement | null} element
 * @param {string} text
 */
export function show(element, text) {
  if (!element) return;
  setText(element, text);
  element.hidden = text === '';
}
