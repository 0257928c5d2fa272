import { ServerConnection } from '@jupyterlab/services';

import { getJson, postJson, RequestError, sendDelete } from '../request';

const PROBLEM = {
  code: 'visitor-not-owner',
  detail: 'Not yours.',
  message: 'Not yours.',
  status: 403,
  title: 'No'
};

function settings(
  answer: (url: string) => Response | Promise<Response>
): ServerConnection.ISettings {
  return ServerConnection.makeSettings({
    baseUrl: 'http://host/user/alice/',
    fetch: async request =>
      await answer(request instanceof Request ? request.url : '')
  });
}

async function failure(answer: () => Response): Promise<RequestError> {
  return await getJson('session', settings(answer)).then(
    () => {
      throw new Error('It brought something.');
    },
    (reason: unknown) => reason as RequestError
  );
}

describe('getJson', () => {
  it('asks below the base URL, and counts as no activity', async () => {
    const asked: string[] = [];
    const reply = await getJson<{ a: number }>(
      'session',
      settings(url => {
        asked.push(url);
        return new Response('{"a": 1}');
      })
    );

    expect(reply).toEqual({ a: 1 });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain(
      'http://host/user/alice/sandlot/api/v1/session?no_track_activity=1'
    );
  });

  it('passes the problem of the server on', async () => {
    const error = await failure(
      () => new Response(JSON.stringify(PROBLEM), { status: 403 })
    );

    expect(error).toBeInstanceOf(RequestError);
    expect([error.code, error.message]).toEqual([
      'visitor-not-owner',
      'Not yours.'
    ]);
    expect(error.problem).toEqual(PROBLEM);
  });

  it.each([
    ['a page of the proxy', '<h1>Bad gateway</h1>'],
    ['another JSON', '{"message": "x"}'],
    ['null', 'null']
  ])('does not show %s as a sentence', async (_, body) => {
    const error = await failure(() => new Response(body, { status: 502 }));

    expect(error.code).toBe('http-502');
    expect(error.message).not.toContain(body);
    expect(error.problem).toBeNull();
  });

  it('does not take a page for an answer', async () => {
    const error = await failure(() => new Response('<h1>Log in</h1>'));

    expect(error.code).toBe('reply');
  });

  it('says that nobody answered', async () => {
    const error = await failure(() => {
      throw new TypeError('Failed to fetch');
    });

    expect(error.code).toBe(RequestError.UNREACHABLE);
    expect(error.cause).toBeInstanceOf(ServerConnection.NetworkError);
  });

  it('gives up after a while', async () => {
    jest.useFakeTimers();
    try {
      const reply = getJson(
        'session',
        ServerConnection.makeSettings({
          fetch: request =>
            new Promise((_, reject) => {
              (request as Request).signal.addEventListener('abort', () => {
                reject(new DOMException('aborted', 'AbortError'));
              });
            })
        })
      );
      const failed = expect(reply).rejects.toMatchObject({
        code: RequestError.UNREACHABLE
      });
      jest.advanceTimersByTime(20_000);
      await failed;
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('orders', () => {
  async function ordered(
    order: (settings: ServerConnection.ISettings) => Promise<unknown>,
    answer: Response
  ): Promise<{ reply: unknown; request: Request }> {
    const requests: Request[] = [];
    const reply = await order(
      ServerConnection.makeSettings({
        baseUrl: 'http://host/user/alice/',
        fetch: async request => {
          requests.push(request as Request);
          return Promise.resolve(answer);
        }
      })
    );
    const [request] = requests;
    if (!request) {
      throw new Error('Nothing was sent.');
    }
    return { reply, request };
  }

  it('posts JSON, and reads what comes back', async () => {
    const { reply, request } = await ordered(
      settings => postJson('clusters', { image: 'scipy' }, settings),
      new Response('{"name": "a"}', { status: 201 })
    );

    expect(reply).toEqual({ name: 'a' });
    expect(request.method).toBe('POST');
    expect(request.url).toContain(
      'http://host/user/alice/sandlot/api/v1/clusters'
    );
    expect(await request.json()).toEqual({ image: 'scipy' });
  });

  it('takes an answer without content', async () => {
    const { reply } = await ordered(
      settings => postJson('clusters/a/scale', { count: 2 }, settings),
      new Response(null, { status: 204 })
    );

    expect(reply).toBeUndefined();
  });

  it('has something ended', async () => {
    const { request } = await ordered(
      settings => sendDelete('clusters/a', settings),
      new Response(null, { status: 204 })
    );

    expect(request.method).toBe('DELETE');
    expect(request.url).toContain('/sandlot/api/v1/clusters/a');
  });

  it('passes the refusal on', async () => {
    const refused = sendDelete(
      'clusters/a',
      settings(() => new Response(JSON.stringify(PROBLEM), { status: 404 }))
    );

    await expect(refused).rejects.toMatchObject({ code: PROBLEM.code });
  });
});
