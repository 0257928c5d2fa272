/** Makes a part of a page say something else, and leaves alone what stays as it is. */

/**
 * @param {Element} part Of the page.
 * @param {string} html What its inside is to be, from our own server.
 */
export function patch(part, html) {
  // Nothing in a parsed document is run or loaded.
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  patchInside(part, parsed.body);
}

/**
 * @param {Node} part
 * @param {Node} wanted
 */
function patchInside(part, wanted) {
  const nodes = [...wanted.childNodes];
  nodes.forEach((node, index) => {
    const there = part.childNodes[index];
    if (!there) part.appendChild(document.importNode(node, true));
    else if (isSameKind(there, node)) patchOne(there, node);
    else there.replaceWith(document.importNode(node, true));
  });
  while (part.childNodes.length > nodes.length) part.lastChild?.remove();
}

/**
 * @param {ChildNode} there
 * @param {ChildNode} wanted
 */
function patchOne(there, wanted) {
  if (!(there instanceof Element) || !(wanted instanceof Element)) {
    if (there.nodeValue !== wanted.nodeValue)
      there.nodeValue = wanted.nodeValue;
    return;
  }
  // How long ago the same moment was is on the page already.
  const moment = wanted.getAttribute('datetime');
  if (moment !== null && there.getAttribute('datetime') === moment) return;
  for (const { name } of [...there.attributes])
    if (!wanted.hasAttribute(name)) there.removeAttribute(name);
  for (const { name, value } of wanted.attributes)
    if (there.getAttribute(name) !== value) there.setAttribute(name, value);
  patchInside(there, wanted);
}

/**
 * @param {Node} one
 * @param {Node} other
 */
function isSameKind(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName;
}
