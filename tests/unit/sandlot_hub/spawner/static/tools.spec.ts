import {
  Links,
  namedPage,
  wireNamedServer
} from '../../../../../hub_ext/sandlot_hub/spawner/static/tools.js';
import { byId, page, radio } from './fixture';

const PLACE = { origin: 'http://hub', server: '', spawnUrl: '/hub/spawn/ada' };

function tools() {
  const { root, selection } = page();
  root.insertAdjacentHTML(
    'beforeend',
    `<div><input id="sandlot-link-fills"><button type="button" id="copy">Copy</button></div>
     <div><input id="sandlot-link-starts"><button type="button">Copy</button></div>
     <p id="sandlot-copied"></p>
     <input id="sandlot-server-name"><button type="button" id="sandlot-server-go">Go</button>
     <span id="sandlot-server-status"></span>`
  );
  const links = new Links({ place: PLACE, selection });
  links.update();
  return { links, selection };
}

function clipboard(writeText: (text: string) => Promise<void>) {
  Object.defineProperty(navigator, 'clipboard', {
    configurable: true,
    value: { writeText }
  });
}

const told = () => byId('sandlot-copied').textContent;

describe('Links', () => {
  it('name the choice for whoever opens them', () => {
    tools();
    expect(radio('sandlot-link-fills').value).toBe(
      'http://hub/hub/spawn#profile=cpu&image=base&size=small'
    );
    expect(radio('sandlot-link-starts').value).toBe(
      'http://hub/hub/spawn?opt-profile=cpu&opt-image=base&opt-size=small'
    );
  });

  it('are copied', async () => {
    const copied: string[] = [];
    clipboard(text => {
      copied.push(text);
      return Promise.resolve();
    });
    tools();
    byId('copy').click();
    await Promise.resolve();

    expect(copied).toEqual([radio('sandlot-link-fills').value]);
    expect(told()).toBe('Copied.');
  });

  it('are selected where copying is not allowed', async () => {
    clipboard(() => Promise.reject(new Error('denied')));
    tools();
    byId('copy').click();
    await new Promise(resolve => setTimeout(resolve));

    expect(document.activeElement).toBe(byId('sandlot-link-fills'));
    expect(told()).toContain('Ctrl+C');
  });
});

describe('namedPage', () => {
  it.each([
    ['big', '/hub/spawn/ada/big#size=l'],
    ['Big one', '/hub/spawn/ada/big-one?display_name=Big+one#size=l'],
    [' ', '']
  ])('of “%s”', (title, url) => {
    expect(namedPage(title, '/hub/spawn/ada', '#size=l')).toBe(url);
  });
});

describe('a server with a name', () => {
  it('is gone to with Enter, with the same choice, and starts no other', () => {
    const gone: string[] = [];
    const { selection } = tools();
    wireNamedServer({ go: url => gone.push(url), place: PLACE, selection });
    const field = radio('sandlot-server-name');
    const enter = () => {
      const key = new KeyboardEvent('keydown', {
        cancelable: true,
        key: 'Enter'
      });
      field.dispatchEvent(key);
      return key.defaultPrevented;
    };
    expect(enter()).toBe(true);
    expect(byId('sandlot-server-status').textContent).toContain('needs one');
    field.value = 'big';
    enter();

    expect(gone).toEqual([
      '/hub/spawn/ada/big#profile=cpu&image=base&size=small'
    ]);
  });
});
