import {
  Instead,
  insteadParts
} from '../../../../../hub_ext/sandlot_hub/spawner/static/instead.js';
import table from './alternatives.json';
import { byId, page, radio } from './fixture';

const NAMES: Record<string, string> = {
  'image base': 'Base',
  'profile cpu': 'CPU',
  'size large': 'Large',
  'size small': 'Small'
};

describe('the name of an alternative', () => {
  it.each(table)('$id', ({ context, hidden, other, shown }) => {
    const parts = insteadParts(
      other,
      'The whole choice',
      (part, slug) => NAMES[`${part} ${slug}`] ?? '',
      context
    );
    const named = (isShown: boolean) =>
      parts.filter(part => part.isShown === isShown).map(({ name }) => name);

    expect(named(true).join('')).toBe(shown);
    expect(named(false)).toEqual(hidden);
  });
});

describe('Instead', () => {
  it('says what differs from another choice, after one was made', () => {
    const { root, selection } = page();
    const small = radio('sandlot-size--cpu--small');
    const about = byId(`${small.id}--about`);
    const instead = new Instead(selection);
    const other = {
      image: 'base',
      label: 'Whole',
      profile: 'cpu',
      reference: null,
      size: 'large'
    };
    instead.show(small, about, [other]);
    const link = about.querySelector('a');
    const shown = () => {
      const seen = link?.querySelectorAll('span:not(.visually-hidden)') ?? [];
      return [...seen].map(span => span.textContent).join('');
    };
    expect(shown()).toBe('The large');
    expect(link?.textContent).toBe('The cpu · The base · The large');
    expect(link?.title).toBe('Whole');

    radio('sandlot-image--cpu--torch').checked = true;
    instead.relabel(root);
    expect(shown()).toBe('The base · The large');
  });
});
