import { HomePage } from '../../../../../hub_ext/sandlot_hub/spawner/static/home.js';

const realTimeout = setTimeout; // also while a test turns the clock

function row(name: string, state: string, action: string): string {
  return `<li data-server="${name}" data-title="${name || 'Default server'}" data-state="${state}" data-api-url="/api/${name}">
    <time datetime="2026-11-21T10:00:00Z"></time><a id="open-${name}" href="/open">Open</a>
    <button id="${action}-${name}" data-action="${action}" hidden>${action}</button></li>`;
}

function home(...rows: string[]): string {
  return `<main id="sandlot-home" data-xsrf="token"><p id="sandlot-said"></p>
    <ul id="sandlot-servers">${rows.join('')}</ul>
    <form id="sandlot-new" data-spawn-url="/hub/spawn/ann" hidden><input id="sandlot-name"><button></button></form>
    <p id="sandlot-name-hint"></p>
    <dialog id="sandlot-ask"><h2 id="sandlot-ask-title"></h2><p id="sandlot-ask-text"></p>
    <button id="sandlot-ask-no"></button><button id="sandlot-ask-yes"></button></dialog></main>`;
}

function find(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(id);
  }
  return found;
}

async function settle(): Promise<void> {
  await new Promise(resolve => realTimeout(resolve, 0));
}

describe('the home page', () => {
  const went: string[] = [];
  const asked: string[] = [];
  let replies: Response[] = [];
  let page: HomePage;

  function open(html: string): void {
    document.body.innerHTML = html;
    page = new HomePage(find('sandlot-home'), {
      browser: {
        fetch: (url, init) => {
          asked.push(`${init?.method ?? 'GET'} ${url as string}`);
          return Promise.resolve(
            replies.shift() ?? new Response(null, { status: 404 })
          );
        },
        pause: () => Promise.resolve()
      },
      clock: () => Date.parse('2026-11-21T12:10:00Z'),
      location: {
        assign: (url: string | URL) => void went.push(String(url)),
        href: '/hub/home'
      }
    });
    page.run();
    // jsdom has the element without what it does.
    const dialog = find('sandlot-ask') as HTMLDialogElement;
    dialog.showModal = () => {
      dialog.open = true;
    };
  }

  function answer(id: string): void {
    const submitter = find(id);
    find('sandlot-ask').dispatchEvent(
      Object.assign(new Event('submit', { cancelable: true }), { submitter })
    );
  }

  beforeEach(() => {
    jest.useFakeTimers();
    went.length = 0;
    asked.length = 0;
    replies = [];
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('shows what needs JavaScript, and says how long ago', () => {
    open(home(row('', 'running', 'stop')));
    expect(find('stop-').hidden).toBe(false);
    expect(find('sandlot-new').hidden).toBe(false);
    expect(document.querySelector('time')?.textContent).toBe('2 h ago');
  });

  it('names what is lost before it stops, and does nothing after a no', async () => {
    open(home(row('', 'running', 'stop')));
    find('stop-').click();
    expect(find('sandlot-ask-title').textContent).toBe('Stop Default server?');
    expect(find('sandlot-ask-text').textContent).toContain('kernels');
    answer('sandlot-ask-no');
    await settle();
    expect(asked).toEqual([]);
  });

  it('stops, says so, and shows the list of the hub with the focus in its row', async () => {
    open(home(row('gpu', 'running', 'stop'), row('old', 'stopped', 'delete')));
    const other = document.querySelector('[data-server="old"]');
    replies = [
      new Response(null, { status: 204 }),
      new Response('{"stopped": true}'),
      new Response(
        home(row('gpu', 'stopped', 'delete'), row('old', 'stopped', 'delete'))
      )
    ];
    find('stop-gpu').focus();
    find('stop-gpu').click();
    answer('sandlot-ask-yes');
    await settle();
    expect(asked).toEqual(['DELETE /api/gpu', 'GET /api/gpu', 'GET /hub/home']);
    expect(find('sandlot-said').textContent).toBe('gpu is stopped.');
    expect(document.activeElement?.id).toBe('open-gpu');
    // What has not changed is not touched.
    expect(document.querySelector('[data-server="old"]')).toBe(other);
  });

  it('takes Escape, and a question that went away, for a no', async () => {
    open(home(row('', 'running', 'stop')));
    find('stop-').click();
    find('sandlot-ask').dispatchEvent(new Event('cancel'));
    find('stop-').click();
    find('stop-').click();
    answer('sandlot-ask-no');
    answer('sandlot-ask-yes');
    await settle();
    expect(asked).toEqual([]);
  });

  it('cancels a start without a question, since nothing is lost', async () => {
    open(home(row('', 'starting', 'cancel')));
    replies = [new Response(null, { status: 204 })];
    find('cancel-').click();
    await settle();
    expect(find('sandlot-said').textContent).toBe(
      'Cancelled. Nothing of Default server is running.'
    );
  });

  it('says why it could not', async () => {
    open(home(row('', 'starting', 'cancel')));
    replies = [new Response(null, { status: 500 })];
    find('cancel-').click();
    await settle();
    expect(find('sandlot-said').textContent).toContain('status 500');
  });

  it('looks again while something starts', async () => {
    open(home(row('', 'starting', 'cancel')));
    replies = [new Response(home(row('', 'running', 'stop')))];
    jest.advanceTimersByTime(3000);
    await settle();
    expect(
      document.querySelector('[data-server]')?.getAttribute('data-state')
    ).toBe('running');
    jest.advanceTimersByTime(9000);
    await settle();
    expect(asked).toEqual(['GET /hub/home']);
  });

  it('leads a new name to its spawn page, by the rules of the hub', () => {
    open(home(row('', 'running', 'stop')));
    const input = find('sandlot-name') as HTMLInputElement;
    input.value = ' GPU & more ';
    input.dispatchEvent(new Event('input'));
    expect(find('sandlot-name-hint').textContent).toContain('“gpu-more”');
    find('sandlot-new').dispatchEvent(
      new Event('submit', { cancelable: true })
    );
    expect(went).toEqual([
      '/hub/spawn/ann/gpu-more?display_name=GPU%20%26%20more'
    ]);
  });

  it('refuses a name that is taken', () => {
    open(home(row('gpu', 'running', 'stop')));
    (find('sandlot-name') as HTMLInputElement).value = 'GPU';
    find('sandlot-new').dispatchEvent(
      new Event('submit', { cancelable: true })
    );
    expect(went).toEqual([]);
    expect(find('sandlot-name-hint').textContent).toContain('already');
  });
});
