import { View } from '../../../../../hub_ext/sandlot_hub/spawner/static/view.js';
import { byId, FULL, offers, page, profile, radio, size } from './fixture';

const LARGE = 'sandlot-size--cpu--large';

function part(id: string, name: string): string | undefined {
  return byId(`${id}--about`).querySelector(`.${name}`)?.textContent;
}

function shown() {
  const { root, selection } = page();
  return { root, view: new View(selection) };
}

describe('View', () => {
  it('tells how many are free', () => {
    const { view } = shown();
    view.apply(offers([profile('cpu', [size('large', { taken: 1 })])]));

    expect(part(LARGE, 'sandlot-state')).toBe('1 of 2 free');
    expect(radio(LARGE).disabled).toBe(false);
  });

  it('says why a choice is off, and what fits instead', () => {
    const { view } = shown();
    view.apply(offers([profile('cpu', [size('large', FULL)])]));

    expect(part(LARGE, 'sandlot-state')).toBe('full');
    expect(part(LARGE, 'sandlot-reason')).toBe('All 2 places are taken.');
    const link = byId(`${LARGE}--about`).querySelector('a');
    expect(link?.getAttribute('href')).toBe(
      '?opt-profile=cpu&opt-image=base&opt-size=large'
    );
    expect(radio(LARGE).disabled).toBe(true);
  });

  it('takes all that back when it is on again', () => {
    const { view } = shown();
    view.apply(offers([profile('cpu', [size('large', FULL)])]));
    view.apply(offers([profile('cpu', [size('large')])]));

    expect(part(LARGE, 'sandlot-reason')).toBeUndefined();
    expect(part(LARGE, 'sandlot-instead')).toBeUndefined();
    expect(radio(LARGE).disabled).toBe(false);
  });

  it('leaves what has not changed as it is', async () => {
    const { root, view } = shown();
    const change = offers([profile('cpu', [size('large', FULL)])]);
    view.apply(change);
    const watched: MutationRecord[] = [];
    const observer = new MutationObserver(found => watched.push(...found));
    observer.observe(root, {
      attributes: true,
      characterData: true,
      childList: true,
      subtree: true
    });
    view.apply(change);
    await Promise.resolve();

    expect(watched).toEqual([]);
  });

  it('keeps a link that somebody is on', () => {
    const { view } = shown();
    view.apply(offers([profile('cpu', [size('large', FULL)])]));
    const link = byId(`${LARGE}--about`).querySelector('a');
    link?.focus();
    const [first] = FULL.alternatives;
    if (!first) throw new Error('There is none.');
    const other = { ...first, label: 'Another', profile: 'gpu' };
    view.apply(
      offers([
        profile('cpu', [size('large', { ...FULL, alternatives: [other] })])
      ])
    );

    expect(document.activeElement).toBe(link);
    expect(link?.textContent).toBe('The gpu · The base · The large');
    expect(link?.title).toBe('Another');
  });

  it('does not repeat what is offered above all choices', () => {
    const { view } = shown();
    const box = byId(LARGE).closest<HTMLElement>('.sandlot-choice');
    if (box) box.dataset.instead = 'above';
    view.apply(offers([profile('cpu', [size('large', FULL)])]));

    expect(part(LARGE, 'sandlot-reason')).toBe('All 2 places are taken.');
    expect(part(LARGE, 'sandlot-instead')).toBeUndefined();
  });

  it('shows why to those who ask, where there is much to look over', () => {
    const { root, view } = shown();
    root.classList.add('sandlot-crowded');
    view.apply(offers([profile('cpu', [size('large', FULL)])]));
    expect(part(LARGE, 'sandlot-why')).toBe('Why not');

    view.apply(offers([profile('cpu', [size('large')])]));
    expect(part(LARGE, 'sandlot-why')).toBeUndefined();
  });

  it('tells nothing as free once it is not known', () => {
    const { view } = shown();
    view.apply(offers([profile('cpu', [size('small'), size('large', FULL)])]));
    view.setKnown(false);
    expect(part('sandlot-size--cpu--small', 'sandlot-state')).toBe('not known');
    expect(part(LARGE, 'sandlot-state')).toBe('full');

    view.setKnown(true);
    expect(part('sandlot-size--cpu--small', 'sandlot-state')).toBe(
      '2 of 2 free'
    );
  });

  it('writes texts as text', () => {
    const { view } = shown();
    const message = '<img src=x onerror=alert(1)>';
    const reason = { code: 'size-full', message };
    view.apply(offers([profile('cpu', [size('large', { ...FULL, reason })])]));

    expect(part(LARGE, 'sandlot-reason')).toBe(message);
    expect(document.querySelector('img')).toBeNull();
  });

  it('passes over what this page does not have', () => {
    const { view } = shown();
    expect(() => {
      view.apply(
        offers([profile('new', [size('x')]), profile('cpu', [size('y')])])
      );
    }).not.toThrow();
  });

  const WAIT = {
    alternatives: FULL.alternatives,
    reason: { code: 'accelerators-busy', message: 'No L4 is free.' },
    state: 'wait' as const,
    words: { mark: 'wait' as const, text: 'none free, 3 waiting' }
  };

  it('says what a start would wait for, and lets it be chosen', () => {
    const { view } = shown();
    view.apply(offers([profile('cpu', [size('large', WAIT)])]));

    expect(part(LARGE, 'sandlot-state')).toBe('none free, 3 waiting');
    expect(part(LARGE, 'sandlot-reason')).toBe('No L4 is free.');
    expect(part(LARGE, 'sandlot-instead')).toContain('What fits instead');
    expect(radio(LARGE).disabled).toBe(false);
    view.apply(offers([profile('cpu', [size('large')])]));

    expect(part(LARGE, 'sandlot-reason')).toBeUndefined();
    expect(part(LARGE, 'sandlot-instead')).toBeUndefined();
  });

  it('leaves what only the hub counts as it was rendered', () => {
    const { view } = shown();
    const uncounted = size('large', { taken: null, words: null });
    view.apply(offers([profile('cpu', [size('large', { taken: 1 })])]));
    view.apply(offers([profile('cpu', [uncounted])]));

    expect(part(LARGE, 'sandlot-state')).toBe('1 of 2 free');
    view.setKnown(false);

    expect(part(LARGE, 'sandlot-state')).toBe('not known');
  });

  it('takes it that what only the hub counts may be free after a while', () => {
    const { view } = shown();
    view.apply(offers([profile('cpu', [size('large', FULL)])]));
    view.apply(
      offers([profile('cpu', [size('large', { taken: null, words: null })])])
    );

    expect(part(LARGE, 'sandlot-state')).toBe('full');
    expect(radio(LARGE).disabled).toBe(true);
    view.setOld();

    expect(part(LARGE, 'sandlot-state')).toBe('not known');
    expect(radio(LARGE).disabled).toBe(false);
  });
});
