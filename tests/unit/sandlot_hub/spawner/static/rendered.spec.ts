import { Instead } from '../../../../../hub_ext/sandlot_hub/spawner/static/instead.js';
import { Selection } from '../../../../../hub_ext/sandlot_hub/spawner/static/selection.js';
import { View } from '../../../../../hub_ext/sandlot_hub/spawner/static/view.js';
import type { ProfileOffer } from '../../../../../labextension/src/wire';
import { byId } from './fixture';
import table from './rendered.json';

const rows = Object.entries(table).map(([name, { form, offers }]) => ({
  form,
  name,
  offers: offers as ProfileOffer[]
}));

/** Render a form, and watch what a script changes in it. */
function watched(form: string) {
  document.body.innerHTML = form;
  const root = byId('sandlot-form');
  const changes: MutationRecord[] = [];
  const observer = new MutationObserver(found => changes.push(...found));
  observer.observe(root, {
    attributes: true,
    characterData: true,
    childList: true,
    subtree: true
  });
  return { changes, root, selection: new Selection(root) };
}

function words(root: HTMLElement) {
  return [...root.querySelectorAll('.sandlot-about')].map(about =>
    about.textContent.replace(/\s+/g, ' ')
  );
}

describe('what was rendered', () => {
  it.each(rows)('is what is told then: $name', async ({ form, offers }) => {
    const { changes, root, selection } = watched(form);
    const before = words(root);
    new View(selection).apply({ known: true, profiles: offers });
    new Instead(selection).relabel(root);
    await Promise.resolve();

    expect(words(root)).toEqual(before);
    expect(changes.map(({ target }) => target)).toEqual([]);
  });

  it('has words to compare', () => {
    const said = rows.flatMap(({ form }) => words(watched(form).root)).join();

    for (const word of [
      '1 of 2 free',
      'full',
      'not known',
      'not available',
      '5 of 12 free',
      'largest free block is 3',
      'none free, 3 waiting, oldest 12 min',
      'a node can be added, usually 5 min'
    ])
      expect(said).toContain(word);
  });
});
