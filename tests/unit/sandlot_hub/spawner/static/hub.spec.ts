import {
  fetchPart,
  hubAnswers,
  stopServer
} from '../../../../../hub_ext/sandlot_hub/spawner/static/hub.js';

const SERVER = { apiUrl: '/hub/api/users/ann/server', xsrf: 'token' };

function browser(...replies: (Response | Error)[]) {
  const requests: RequestInit[] = [];
  return {
    browser: {
      fetch: (_: unknown, init: RequestInit = {}) => {
        requests.push(init);
        const reply = replies.shift() ?? new Error('no reply prepared');
        return reply instanceof Error
          ? Promise.reject(reply)
          : Promise.resolve(reply);
      },
      pause: () => Promise.resolve()
    },
    requests
  };
}

function reply(status: number, model?: object): Response {
  return new Response(model ? JSON.stringify(model) : null, { status });
}

describe('stopServer', () => {
  it('returns when nothing runs any more', async () => {
    const { browser: used, requests } = browser(
      reply(204),
      reply(200, { ready: true, stopped: false }),
      reply(200, { pending: 'stop', stopped: false }),
      reply(200, { stopped: true })
    );
    expect(await stopServer(SERVER, { browser: used })).toBe('');
    expect(requests.map(each => each.method ?? 'GET')).toEqual([
      'DELETE',
      'GET',
      'GET',
      'GET'
    ]);
    expect(requests[0]?.headers).toEqual({ 'X-XSRFToken': 'token' });
    expect(requests[0]?.body).toBeNull();
  });

  it('forgets a named server, of which nothing is left then', async () => {
    const { browser: used, requests } = browser(reply(204), reply(404));
    expect(await stopServer(SERVER, { browser: used, remove: true })).toBe('');
    expect(requests[0]?.body).toBe('{"remove":true}');
  });

  it.each([
    ['logged out', [reply(403)], 'not logged in'],
    ['trouble of the hub', [reply(500)], 'status 500'],
    ['no answer', [new TypeError('Failed to fetch')], 'does not answer'],
    ['no answer after it', [reply(202), new TypeError('x')], 'does not answer'],
    [
      'a stop that takes too long',
      [reply(202), ...Array.from({ length: 90 }, () => reply(200, {}))],
      'still being stopped'
    ]
  ])('says what is the matter: %s', async (_, replies, words) => {
    const { browser: used } = browser(...replies);
    expect(await stopServer(SERVER, { browser: used })).toContain(words);
  });
});

describe('fetchPart', () => {
  const wanted = { selector: '#outcome', xsrf: 'token' };

  it('finds a part of a page that tells of a failure', async () => {
    const html = '<title>Failed</title><main id="outcome">why</main>';
    const { browser: used } = browser(new Response(html, { status: 424 }));
    const found = await fetchPart('/page', { ...wanted, browser: used });
    expect([found?.title, found?.part.textContent]).toEqual(['Failed', 'why']);
  });

  it.each([
    ['another page', new Response('<main>theirs</main>')],
    ['no answer', new TypeError('Failed to fetch')]
  ])('finds nothing in %s', async (_, answer) => {
    const { browser: used } = browser(answer);
    expect(await fetchPart('/page', { ...wanted, browser: used })).toBeNull();
  });
});

describe('hubAnswers', () => {
  it.each([
    [
      'the hub',
      new Response('', {
        headers: { 'X-JupyterHub-Version': '6' },
        status: 503
      }),
      true
    ],
    ['a proxy', new Response('', { status: 502 }), false],
    ['nobody', new TypeError('Failed to fetch'), false]
  ])('tells %s', async (_, answer, known) => {
    const { browser: used } = browser(answer);
    expect(await hubAnswers('/page', { browser: used, xsrf: '' })).toBe(known);
  });
});
