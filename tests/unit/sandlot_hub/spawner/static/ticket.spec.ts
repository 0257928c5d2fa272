import { LoggedOut } from '../../../../../hub_ext/sandlot_hub/spawner/static/stream.js';
import {
  fetchTicket,
  xsrfToken
} from '../../../../../hub_ext/sandlot_hub/spawner/static/ticket.js';

function ask(reply: () => Response) {
  const seen: Headers[] = [];
  const ticket = fetchTicket({
    fetch: (_, init) => {
      seen.push(new Headers(init?.headers));
      return Promise.resolve(reply());
    },
    url: '/hub/sandlot/ticket?user=ada&server=',
    xsrf: 'token'
  });
  return { seen, ticket };
}

describe('fetchTicket', () => {
  it('asks as a page of the hub', async () => {
    const { seen, ticket } = ask(() => new Response('{"ticket": "t"}'));

    await expect(ticket).resolves.toBe('t');
    expect(seen[0]?.get('X-XSRFToken')).toBe('token');
  });

  it.each([401, 403])('knows from %d that nobody is logged in', async code => {
    const { ticket } = ask(() => new Response('', { status: code }));

    await expect(ticket).rejects.toBeInstanceOf(LoggedOut);
  });

  it('fails on anything else, to be tried again', async () => {
    const { ticket } = ask(() => new Response('', { status: 503 }));

    await expect(ticket).rejects.not.toBeInstanceOf(LoggedOut);
  });
});

describe('xsrfToken', () => {
  it.each([
    ['/hub/spawn/ada?_xsrf=a%3Db', 'a=b'],
    ['/hub/spawn/ada', '']
  ])('of %s is %s', (action, token) => {
    const form = document.createElement('form');
    form.setAttribute('action', action);
    expect(xsrfToken(form)).toBe(token);
  });
});
