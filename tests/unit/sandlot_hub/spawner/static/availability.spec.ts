import { AvailabilityPage } from '../../../../../hub_ext/sandlot_hub/spawner/static/availability.js';
import { byId } from './fixture';

const flavor = (words: string) =>
  `<section class="sandlot-flavor"><h2>NVIDIA L4</h2>` +
  `<p><span class="sandlot-words">${words}</span></p>` +
  `<time datetime="1970-01-01T00:00:00.000Z">1970</time></section>`;

const news = (words: string, changes = {}) =>
  `event: availability\ndata: ${JSON.stringify({
    age_s: 1,
    as_of: '2026-11-21T09:00:00.000Z',
    html: flavor(words),
    known: true,
    settings_hash: 'a',
    ...changes
  })}\n\n`;

const alive = (known: boolean) =>
  `event: alive\ndata: ${JSON.stringify({ age_s: 7, as_of: '', known })}\n\n`;

type Asked = [string, string | null, RequestCredentials | undefined];

function following(...replies: (Response | string)[]) {
  document.body.innerHTML = `
    <div id="sandlot-availability" data-api="/api" data-stream="/stream" data-xsrf="token"
         data-age="3" data-known="true" data-settings="a">
      <span id="sandlot-age"></span><a id="sandlot-again" href="#">Look again</a>
      <p id="sandlot-news" hidden></p>
      <div id="sandlot-now">${flavor('3 of 8 free')}</div>
      <p id="sandlot-live"></p>
    </div>`;
  const asked: Asked[] = [];
  const fetch = (input: RequestInfo | URL, init?: RequestInit) => {
    const header = new Headers(init?.headers).get('X-XSRFToken');
    const url = input instanceof Request ? input.url : String(input);
    asked.push([url, header, init?.credentials]);
    const reply = replies.shift();
    if (reply === undefined) return Promise.reject(new TypeError('no line'));
    if (reply instanceof Response) return Promise.resolve(reply);
    const body = new ReadableStream({
      start: line => {
        line.enqueue(new TextEncoder().encode(reply));
        init?.signal?.addEventListener('abort', () => {
          line.error(new Error('aborted'));
        });
      }
    });
    return Promise.resolve(new Response(body));
  };
  const page = new AvailabilityPage(byId('sandlot-availability'), {
    fetch,
    monotonic: () => jest.now(),
    now: () => 120_000
  });
  return { asked, page, replies };
}

const text = (id: string) => byId(id).textContent;

describe('AvailabilityPage', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('shows what it is told, and says it to who cannot see it', async () => {
    const { asked, page } = following(news('None of 8 free'));
    page.open();
    await jest.advanceTimersByTimeAsync(0);

    expect(text('sandlot-now')).toContain('None of 8 free');
    expect(text('sandlot-now')).toContain('2 min ago');
    expect(text('sandlot-age')).toBe('Availability as of 1 s ago.');
    expect(text('sandlot-live')).toBe('NVIDIA L4: None of 8 free.');
    expect(document.getElementById('sandlot-again')).toBeNull();
    expect(asked).toEqual([['/stream', 'token', 'same-origin']]);
    page.close();
  });

  it('is silent when only something else than the numbers changed', async () => {
    const { page } = following(news('3 of 8 free'));
    page.open();
    await jest.advanceTimersByTimeAsync(0);

    expect(text('sandlot-live')).toBe('');
    page.close();
  });

  it('says since when nothing is known', async () => {
    const { page } = following(alive(false));
    page.open();
    await jest.advanceTimersByTimeAsync(0);

    expect(text('sandlot-age')).toContain('not known since 7 s');
    page.close();
  });

  it('does not show old numbers as if they were true', async () => {
    const { page } = following(news('3 of 8 free'));
    page.open();
    await jest.advanceTimersByTimeAsync(0);
    const { classList } = byId('sandlot-availability');
    expect(classList.contains('sandlot-lost')).toBe(false);

    await jest.advanceTimersByTimeAsync(25_000);
    page.tick();
    expect(classList.contains('sandlot-lost')).toBe(true);
    expect(text('sandlot-age')).toContain('reconnecting');
    page.close();
  });

  it('says that the settings have changed', async () => {
    const { page } = following(news('3 of 8 free', { settings_hash: 'b' }));
    page.open();
    await jest.advanceTimersByTimeAsync(0);

    expect(byId('sandlot-news').hidden).toBe(false);
    expect(text('sandlot-news')).toContain('reload this page');
    page.close();
  });

  it.each([
    ['goes on after its login was checked anew', 200, 'live', 3],
    ['says when nobody is logged in any more', 403, 'logged out', 2]
  ])('%s', async (_, status, words, questions) => {
    const { asked, page } = following(
      'event: bye\ndata: {"reason": "ticket-expired"}\n\n',
      new Response('{}', { status }),
      news('3 of 8 free')
    );
    page.open();
    await jest.advanceTimersByTimeAsync(0);

    expect(asked.map(([url]) => url)).toEqual(
      ['/stream', '/api', '/stream'].slice(0, questions)
    );
    const said = text('sandlot-age').includes('logged out')
      ? 'logged out'
      : 'live';
    expect(said).toBe(words);
    page.close();
  });

  it('lets go of a page that nobody looks at', async () => {
    const { asked, page, replies } = following(news('3 of 8 free'));
    page.open();
    page.setHidden(true);
    await jest.advanceTimersByTimeAsync(61_000);
    const before = asked.length;
    await jest.advanceTimersByTimeAsync(120_000);
    expect(asked).toHaveLength(before);

    replies.push(news('2 of 8 free'));
    page.setHidden(false);
    await jest.advanceTimersByTimeAsync(0);
    expect(text('sandlot-now')).toContain('2 of 8 free');
    page.close();
  });
});
