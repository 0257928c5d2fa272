/** Names of servers in addresses, by the rules of the hub. */

const LONGEST = 30;

/**
 * Return the name that a server gets in addresses: at most 30 lower-case letters, digits and
 * single hyphens, a letter first and no hyphen last.
 *
 * @param {string} title What people call it.
 * @returns {string} Empty when the title is.
 */
export function serverName(title) {
  if (!title.trim()) {
    return '';
  }
  const plain = title
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean)
    .join('-');
  const named = /^[a-z]/.test(plain) ? plain : `x-${plain}`;
  return named.slice(0, LONGEST).replace(/-+$/, '');
}
