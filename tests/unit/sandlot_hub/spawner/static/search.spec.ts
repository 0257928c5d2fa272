import { Search } from '../../../../../hub_ext/sandlot_hub/spawner/static/search.js';
import { byId, page, radio } from './fixture';

function searching() {
  const { root } = page();
  const field = radio('sandlot-search');
  const search = new Search({
    box: byId('sandlot-search-box'),
    field,
    found: byId('sandlot-found'),
    root
  });
  const write = (text: string) => {
    field.value = text;
    field.dispatchEvent(new Event('input'));
  };
  const press = (key: string, target: HTMLElement) => {
    const event = new KeyboardEvent('keydown', {
      bubbles: true,
      cancelable: true,
      key
    });
    target.dispatchEvent(event);
    return event;
  };
  return { field, press, search, write };
}

const isHidden = (id: string) =>
  byId(id).closest<HTMLElement>('.sandlot-choice')?.hidden;

describe('Search', () => {
  it('hides the profiles without the words, but never the chosen one', () => {
    const { write } = searching();
    write('GPU');
    expect(isHidden('sandlot-profile--gpu')).toBe(false);
    expect(isHidden('sandlot-profile--cpu')).toBe(false);
    expect(byId('sandlot-found').textContent).toBe('1 of 2 profiles');

    radio('sandlot-profile--gpu').checked = true;
    write('gpu');
    expect(isHidden('sandlot-profile--cpu')).toBe(true);
  });

  it('hides the choices without the words, where one has them', () => {
    const { write } = searching();
    write('torch');
    expect(isHidden('sandlot-image--cpu--torch')).toBe(false);
    expect(isHidden('sandlot-image--cpu--unlisted-choice')).toBe(true);
    expect(isHidden('sandlot-size--cpu--large')).toBe(false);
    expect(byId('sandlot-found').textContent).toBe('2 of 2 profiles');
  });

  it('says when nothing has the words', () => {
    const { write } = searching();
    write('zebra');
    expect(byId('sandlot-found').textContent).toContain('Nothing');
    expect(isHidden('sandlot-profile--gpu')).toBe(true);
  });

  it('is reached with a slash, and cleared with Escape', () => {
    const { field, press, write } = searching();
    press('/', document.body);
    expect(document.activeElement).toBe(field);

    write('zebra');
    press('Escape', field);
    expect(field.value).toBe('');
    expect(isHidden('sandlot-profile--gpu')).toBe(false);
  });

  it('lets a slash be written elsewhere', () => {
    const { press } = searching();
    const event = press('/', byId('sandlot-reference--cpu'));
    expect(event.defaultPrevented).toBe(false);
  });

  it('goes to what was found on Enter, and starts nothing', () => {
    const { field, press, write } = searching();
    radio('sandlot-profile--gpu').checked = true;
    write('gpu');
    expect(press('Enter', field).defaultPrevented).toBe(true);
    expect(document.activeElement).toBe(radio('sandlot-profile--gpu'));
  });
});
