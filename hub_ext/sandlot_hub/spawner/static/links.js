/** Links to a choice: one that fills in the form, one that starts. */

/**
 * @typedef {object} Choice
 * @property {string} [profile]
 * @property {string} [image] Slug of an image.
 * @property {string} [reference] Free text in place of an image.
 * @property {string} [size]
 */

const PARTS = /** @type {const} */ (['profile', 'image', 'reference', 'size']);
const PREFIX = 'opt-';

/**
 * Read what the address of a page fills in.
 *
 * @param {string} hash With its `#`.
 * @returns {Choice | null} Null when it is about something else.
 */
export function fromHash(hash) {
  return read(new URLSearchParams(hash.replace(/^#/, '')), '');
}

/**
 * Read what a link starts.
 *
 * @param {string} search With its `?`.
 * @returns {Choice | null}
 */
export function fromQuery(search) {
  return read(new URLSearchParams(search), PREFIX);
}

/**
 * @param {Choice} choice
 * @returns {string} With its `#`.
 */
export function toHash(choice) {
  return `#${write(choice, '')}`;
}

/**
 * @param {Choice} choice
 * @returns {string} With its `?`.
 */
export function toQuery(choice) {
  return `?${write(choice, PREFIX)}`;
}

/**
 * Return the page whose links other people can use as well.
 *
 * @param {{ spawnUrl: string, server: string }} page
 * @returns {string} Without the name of a user where that is possible.
 */
export function sharedPage({ spawnUrl, server }) {
  // A default server: the hub's `/spawn` is for whoever opens it.
  return server === '' ? spawnUrl.replace(/\/[^/]*$/, '') : spawnUrl;
}

/**
 * @param {URLSearchParams} parameters
 * @param {string} prefix
 * @returns {Choice | null}
 */
function read(parameters, prefix) {
  /** @type {Choice} */
  const choice = {};
  for (const part of PARTS) {
    const value = parameters.get(prefix + part);
    if (value) choice[part] = value;
  }
  return Object.keys(choice).length > 0 ? choice : null;
}

/**
 * @param {Choice} choice
 * @param {string} prefix
 * @returns {string}
 */
function write(choice, prefix) {
  const parameters = new URLSearchParams();
  for (const part of PARTS) {
    const value = choice[part];
    if (value) parameters.set(prefix + part, value);
  }
  return parameters.toString();
}
