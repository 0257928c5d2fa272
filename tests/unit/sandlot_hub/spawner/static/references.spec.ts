import {
  History,
  referenceProblem
} from '../../../../../hub_ext/sandlot_hub/spawner/static/references.js';
import { Unlisted } from '../../../../../hub_ext/sandlot_hub/spawner/static/unlisted.js';
import { byId, page, radio } from './fixture';

const RULE = { hint: 'An image of quay.io.', pattern: '^quay\\.io/[a-z]+$' };

describe('referenceProblem', () => {
  it.each([
    ['quay.io/a', ''],
    ['docker.io/a', 'An image of quay.io.'],
    ['', 'Write which image. An image of quay.io.']
  ])('of “%s”', (text, problem) => {
    expect(referenceProblem(text, RULE)).toBe(problem);
  });

  it('leaves a pattern that browsers do not know to the hub', () => {
    expect(referenceProblem('a', { ...RULE, pattern: '(?P<a>b)' })).toBe('');
  });
});

function history() {
  return new History({ key: 'k', storage: () => localStorage });
}

describe('History', () => {
  beforeEach(() => {
    localStorage.clear();
  });

  it('keeps the last ten, each once, newest first', () => {
    const kept = history();
    for (let n = 0; n < 12; n += 1) kept.add(`r${n}`);
    kept.add('r5');
    expect(kept.all()).toHaveLength(10);
    expect(kept.all().slice(0, 3)).toEqual(['r5', 'r11', 'r10']);

    kept.clear();
    expect(kept.all()).toEqual([]);
  });

  it.each(['{', '{"a": 1}', '[1, null]'])('reads %s as nothing', text => {
    localStorage.setItem('k', text);
    expect(history().all()).toEqual([]);
  });

  it('does without a storage that is forbidden', () => {
    const kept = new History({
      key: 'k',
      storage: () => {
        throw new Error('forbidden');
      }
    });
    kept.add('a');
    kept.clear();
    expect(kept.all()).toEqual([]);
  });
});

describe('Unlisted', () => {
  const field = () => radio('sandlot-reference--cpu');

  function written(text: string) {
    const { root, selection } = page();
    const unlisted = new Unlisted({ history: history(), root, selection });
    field().value = text;
    field().dispatchEvent(new Event('input', { bubbles: true }));
    return unlisted;
  }

  beforeEach(() => {
    localStorage.clear();
  });

  it('is what is meant as soon as somebody writes', () => {
    written('quay.io/a');
    expect(radio('sandlot-image--cpu--unlisted-choice').checked).toBe(true);
    expect(field().validationMessage).toBe('');
  });

  it('says what is wrong, and only while it is meant', () => {
    const unlisted = written('docker.io/a');
    expect(field().validationMessage).toBe('An image of quay.io.');
    expect(field().getAttribute('aria-invalid')).toBe('true');

    radio('sandlot-image--cpu--base').checked = true;
    unlisted.update();
    expect(field().validationMessage).toBe('');
    expect(field().hasAttribute('aria-invalid')).toBe(false);
  });

  it('offers what was used, until it is forgotten', () => {
    written('quay.io/a').remember();
    const { root, selection } = page();
    new Unlisted({ history: history(), root, selection });
    const options = () => byId('sandlot-references').children.length;
    expect(options()).toBe(1);

    const forget = root.querySelector<HTMLButtonElement>('.sandlot-forget');
    forget?.click();
    expect(options()).toBe(0);
    expect(forget?.hidden).toBe(true);
    expect(history().all()).toEqual([]);
  });
});
