import {
  EventParser,
  LoggedOut,
  Stream,
  TICKET_HEADER
} from '../../../../../hub_ext/sandlot_hub/spawner/static/stream.js';

describe('EventParser', () => {
  it.each([
    ['in one piece', ['event: alive\ndata: {"a": 1}\n\n']],
    ['in pieces', ['event: al', 'ive\r\nda', 'ta: {"a": 1}\r\n\r', '\n']],
    ['after a comment', [': hello\n\nevent: alive\ndata: {"a": 1}\n\n']]
  ])('reads an event %s', (_, pieces) => {
    const parser = new EventParser();
    expect(pieces.flatMap(piece => parser.push(piece))).toEqual([
      { data: '{"a": 1}', event: 'alive' }
    ]);
  });

  it('joins lines of data, and forgets an event that was cut', () => {
    const parser = new EventParser();
    expect(
      parser.push('data: a\ndata: b\n\nevent: offers\ndata: {"cu')
    ).toEqual([{ data: 'a\nb', event: 'message' }]);
  });
});

/** A server that answers one request after the other, as it is told. */
function server(...replies: (() => Response | Promise<Response>)[]) {
  const tickets: string[] = [];
  const fetch = async (_: unknown, init?: RequestInit) => {
    tickets.push(new Headers(init?.headers).get(TICKET_HEADER) ?? '');
    const reply = replies.shift();
    if (reply) return await reply();
    return await new Promise<Response>((_, reject) => {
      init?.signal?.addEventListener('abort', () => {
        reject(new Error('aborted'));
      });
    });
  };
  return { fetch, tickets };
}

function follow(
  { fetch }: { fetch: typeof globalThis.fetch },
  renew: () => Promise<string> = () => Promise.resolve('second')
) {
  const heard: string[] = [];
  const connections: string[] = [];
  const stream = new Stream({
    fetch,
    onConnection: connection => connections.push(connection),
    onEvent: ({ event, data }) => heard.push(`${event} ${data}`),
    renew,
    ticket: 'first',
    url: 'http://hub/stream'
  });
  return { connections, heard, stream };
}

const said = (text: string) => () => new Response(text);
const status = (code: number) => () => new Response('', { status: code });

/** Let everything happen that waits for nothing but promises, and for this much time. */
async function pass(milliseconds: number) {
  await jest.advanceTimersByTimeAsync(milliseconds);
}

describe('Stream', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('shows its ticket, and tells what it hears', async () => {
    const hub = server(said('event: alive\ndata: 1\n\n'));
    const { heard, stream } = follow(hub);
    stream.open();
    await pass(0);
    stream.close();

    expect(heard).toEqual(['alive 1']);
    expect(hub.tickets[0]).toBe('first');
  });

  it('can go with a cookie in place of a ticket of the hub', async () => {
    const asked: RequestInit[] = [];
    const stream = new Stream({
      credentials: 'same-origin',
      fetch: (_, init = {}) => {
        asked.push(init);
        return Promise.reject(new Error('no line'));
      },
      header: 'X-XSRFToken',
      onConnection: () => undefined,
      onEvent: () => undefined,
      renew: () => Promise.resolve('second'),
      ticket: 'token',
      url: '/stream'
    });
    stream.open();
    await pass(0);
    stream.close();

    const headers = new Headers(asked[0]?.headers);
    expect(asked[0]?.credentials).toBe('same-origin');
    expect(headers.get('X-XSRFToken')).toBe('token');
    expect(headers.has(TICKET_HEADER)).toBe(false);
  });

  it('comes back after it was cut, and says that it was away', async () => {
    const hub = server(
      said('event: alive\ndata: 1\n\nevent: offers\ndata: {"pro'),
      said('event: offers\ndata: 2\n\n')
    );
    const { connections, heard, stream } = follow(hub);
    stream.open();
    await pass(0);
    expect(connections.at(-1)).toBe('broken');
    await pass(1000);

    expect(heard).toEqual(['alive 1', 'offers 2']);
    expect(connections).toContain('live');
    stream.close();
  });

  it('waits longer after each failure, half a minute at most', async () => {
    const hub = server(...Array.from({ length: 100 }, () => status(503)));
    const { stream } = follow(hub);
    stream.open();
    await pass(3500);
    expect(hub.tickets.length).toBeLessThan(5);
    await pass(600_000);
    expect(hub.tickets.length).toBeGreaterThan(18);
    expect(hub.tickets.length).toBeLessThan(50);
    stream.close();
  });

  it.each([
    ['is refused', status(401)],
    ['has ended', said('event: bye\ndata: {"reason": "ticket-expired"}\n\n')]
  ])('gets another ticket at once when its own %s', async (_, reply) => {
    const hub = server(reply, said('event: alive\ndata: 1\n\n'));
    const { connections, heard, stream } = follow(hub);
    stream.open();
    await pass(0);
    stream.close();

    expect(hub.tickets.slice(0, 2)).toEqual(['first', 'second']);
    expect(heard).toEqual(['alive 1']);
    expect(connections).not.toContain('ended');
  });

  it('waits when every new ticket is refused, too', async () => {
    const hub = server(...Array.from({ length: 20 }, () => status(403)));
    const { connections, stream } = follow(hub);
    stream.open();
    await pass(3000);
    stream.close();

    expect(hub.tickets.length).toBeLessThan(6);
    expect(connections.at(-1)).toBe('broken');
  });

  it('says that too many pages are open, and follows when one is closed', async () => {
    const hub = server(status(429), said('event: alive\ndata: 1\n\n'));
    const { connections, heard, stream } = follow(hub);
    stream.open();
    await pass(0);
    expect(connections.at(-1)).toBe('crowded');
    await pass(1000);
    expect(heard).toEqual(['alive 1']);
    stream.close();
  });

  it('ends when nobody is logged in any more', async () => {
    const hub = server(status(401));
    const { connections, stream } = follow(hub, () =>
      Promise.reject(new LoggedOut())
    );
    stream.open();
    await pass(60_000);

    expect(connections.at(-1)).toBe('ended');
    expect(hub.tickets).toEqual(['first']);
  });

  it('gives up a line on which nothing is heard', async () => {
    const hub = server();
    const { connections, stream } = follow(hub);
    stream.open();
    await pass(20_000);
    expect(connections.at(-1)).toBe('broken');
    await pass(1000);
    expect(hub.tickets.length).toBe(2);
    stream.close();
  });

  it('does nothing once it is closed', async () => {
    const hub = server();
    const { connections, stream } = follow(hub);
    stream.open();
    await pass(0);
    stream.close();
    await pass(120_000);

    expect(hub.tickets.length).toBe(1);
    expect(connections).toEqual(['connecting']);
  });
});
