import { patch } from '../../../../../hub_ext/sandlot_hub/spawner/static/patch.js';

function part(html: string): Element {
  const made = document.createElement('div');
  made.innerHTML = html;
  return made;
}

const ONE = '<h2>L4</h2><p class="a">3 free</p><ul><li>5 in use</li></ul>';

describe('patch', () => {
  it.each([
    ['a text', ONE.replace('3 free', '2 free')],
    ['an attribute', ONE.replace('class="a"', 'class="b" id="x"')],
    ['something new in the middle', ONE.replace('<ul>', '<p>note</p><ul>')],
    ['something that is gone', '<h2>L4</h2>'],
    ['something else in its place', '<svg><rect width="3"></rect></svg>'],
    ['nothing', '']
  ])('makes a part of the page say %s', (_, html) => {
    const there = part(ONE);
    patch(there, html);
    expect(there.innerHTML).toBe(html);
  });

  it('leaves what stays as it is', () => {
    const there = part(ONE);
    const [title, line, list] = there.children;
    const seen: MutationRecord[] = [];
    const observer = new MutationObserver(records => seen.push(...records));
    observer.observe(there, {
      attributes: true,
      characterData: true,
      childList: true,
      subtree: true
    });
    patch(there, ONE.replace('3 free', '2 free'));
    seen.push(...observer.takeRecords());

    expect([...there.children]).toEqual([title, line, list]);
    expect(there.children[1]).toBe(line);
    expect(seen.map(record => record.type)).toEqual(['characterData']);
  });

  it('does not say the same moment in other words', () => {
    const there = part(
      '<time datetime="2026-11-21T09:00:00Z">3 min ago</time>'
    );
    patch(there, '<time datetime="2026-11-21T09:00:00Z">09:00 UTC</time>');
    expect(there.textContent).toBe('3 min ago');

    patch(there, '<time datetime="2026-11-21T10:00:00Z">10:00 UTC</time>');
    expect(there.textContent).toBe('10:00 UTC');
  });

  it('draws what it adds to a picture', () => {
    const there = part('<svg><rect width="3"></rect></svg>');
    patch(there, '<svg><rect width="3"></rect><rect width="5"></rect></svg>');
    const namespaces = [...there.querySelectorAll('rect')].map(
      rect => rect.namespaceURI
    );
    expect(new Set(namespaces)).toEqual(
      new Set(['http://www.w3.org/2000/svg'])
    );
  });
});
