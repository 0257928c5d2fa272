import { takeNotice } from '../../../../../hub_ext/sandlot_hub/spawner/static/notice.js';
import { ProgressPage } from '../../../../../hub_ext/sandlot_hub/spawner/static/progress.js';

const realTimeout = setTimeout; // also while a test turns the clock

const PAGE = `
  <main id="sandlot-pending" data-progress-url="/progress" data-server-url="/api/server"
        data-spawn-url="/hub/spawn/ann" data-xsrf="token" data-seconds="72.4" data-heard="60">
    <h1>Starting</h1><span id="sandlot-elapsed"></span>
    <div id="sandlot-progress"><div></div></div>
    <ol id="sandlot-steps"><li data-step="answer" data-state="waiting"><span class="sandlot-mark"></span>
      <span class="sandlot-text"></span></li></ol>
    <p id="sandlot-connection"></p>
    <button id="sandlot-cancel" hidden>Cancel start</button>
    <details id="sandlot-details"><ol id="sandlot-log"></ol></details>
  </main>`;
const FAILED = `<title>It did not start</title><main id="sandlot-outcome"><h1>Did not start</h1>
  <p id="sandlot-connection"></p><a id="start" href="/again">Try again</a>
  <details id="sandlot-details"></details></main>`;
const CLOSED = 2;
const FROM_HUB = () =>
  new Response('', { headers: { 'X-JupyterHub-Version': '6' } });

/** A hub that answers as prepared, and a stream that the test speaks through. */
class Hub {
  streams: {
    close: () => void;
    closed: boolean;
    onerror?: () => void;
    onmessage?: (message: { data: string }) => void;
    onopen?: () => void;
    readyState: number;
  }[] = [];
  replies: (Response | Error)[] = [];
  asked: string[] = [];
  went: string[] = [];
  now = 0;
  pauses = 0;

  page(pending = 'spawn'): ProgressPage {
    document.body.innerHTML = PAGE;
    const main = document.querySelector('main');
    if (!main) {
      throw new Error('no page');
    }
    main.dataset.pending = pending;
    const page = new ProgressPage(main, {
      browser: {
        fetch: (_, init) => {
          this.asked.push(init?.method ?? 'GET');
          const reply =
            this.replies.shift() ?? new Response(null, { status: 404 });
          return reply instanceof Error
            ? Promise.reject(reply)
            : Promise.resolve(reply);
        },
        pause: () => {
          this.pauses += 1;
          return Promise.resolve();
        }
      },
      location: {
        assign: (url: string | URL) => void this.went.push(String(url)),
        href: '/hub/spawn-pending/ann',
        reload: () => void this.went.push('reload')
      },
      now: () => this.now,
      open: () => {
        const stream = {
          close: () => {
            stream.closed = true;
          },
          closed: false,
          readyState: 1
        };
        this.streams.push(stream);
        return stream as unknown as EventSource;
      }
    });
    page.run();
    return page;
  }

  tell(event: object): void {
    this.streams.at(-1)?.onmessage?.({ data: JSON.stringify(event) });
  }

  lose(readyState: number): void {
    const stream = this.streams.at(-1);
    if (stream) {
      stream.readyState = readyState;
      stream.onerror?.();
    }
  }
}

function text(selector: string): string {
  return document.querySelector(selector)?.textContent ?? '';
}

/** Let everything run that waits for nothing outside. */
async function settle(): Promise<void> {
  await new Promise(resolve => realTimeout(resolve, 0));
}

describe('the progress page', () => {
  let hub: Hub;

  beforeEach(() => {
    jest.useFakeTimers();
    hub = new Hub();
    hub.page();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('counts on from when the start began', () => {
    expect(text('#sandlot-elapsed')).toBe('1 min 12 s');
    hub.now = 9000;
    jest.advanceTimersByTime(1000);
    expect(text('#sandlot-elapsed')).toBe('1 min 21 s');
  });

  it('is never behind what the hub tells', () => {
    const event = { message: 'Waiting…', state: 'now', step: 'answer' };
    hub.tell({ ...event, seconds: 74 });
    expect(text('#sandlot-elapsed')).toBe('1 min 14 s');
    hub.tell({ ...event, seconds: 70 });
    expect(text('#sandlot-elapsed')).toBe('1 min 14 s');
  });

  it('shows steps, details and how far it is', () => {
    hub.tell({
      message: 'Waiting…',
      progress: 80,
      state: 'now',
      step: 'answer'
    });
    expect(text('.sandlot-text')).toBe('Waiting…');
    expect(text('#sandlot-log')).toBe('Waiting…');
    const bar = document.querySelector('#sandlot-progress');
    expect(bar?.getAttribute('aria-valuenow')).toBe('80');
  });

  it('does not run again through the steps that were rendered', () => {
    hub.streams[0]?.onopen?.();
    const old = { message: 'Old.', seconds: 59, state: 'now', step: 'answer' };
    hub.tell(old);
    expect(text('.sandlot-text')).toBe('');
    expect(text('#sandlot-log')).toBe('59.0 sOld.');
    hub.tell({ ...old, message: 'New.', seconds: 61 });
    expect(text('.sandlot-text')).toBe('New.');
    // Another connection may be one to another start.
    hub.streams[0]?.onopen?.();
    hub.tell(old);
    expect(text('.sandlot-text')).toBe('Old.');
  });

  it('asks the hub for the way when the server is ready', async () => {
    hub.replies = [FROM_HUB()];
    hub.tell({ ready: true });
    await settle();
    expect(hub.went).toEqual(['reload']);
    expect(hub.streams[0]?.closed).toBe(true);
  });

  it('puts the end in place as the hub tells it, and keeps the focus there', async () => {
    hub.replies = [new Response(FAILED, { status: 424 })];
    document.querySelector<HTMLElement>('#sandlot-cancel')?.focus();
    document.querySelector('#sandlot-details')?.setAttribute('open', '');
    hub.tell({ failed: true, message: 'Spawn failed: x' });
    await settle();
    expect(text('h1')).toBe('Did not start');
    expect(document.title).toBe('It did not start');
    expect(document.activeElement?.id).toBe('start');
    expect(
      document.querySelector('#sandlot-details')?.hasAttribute('open')
    ).toBe(true);
    expect(hub.went).toEqual([]);
  });

  it('loads again when the page of an administrator has another shape', async () => {
    hub.replies = [new Response('<p>theirs</p>', { status: 424 }), FROM_HUB()];
    hub.tell({ failed: true, message: 'Spawn failed: x' });
    await settle();
    expect(hub.went).toEqual(['reload']);
  });

  it('says that the connection is lost, and that it is back', () => {
    hub.lose(0);
    expect(text('#sandlot-connection')).toContain('trying again');
    hub.streams[0]?.onopen?.();
    expect(text('#sandlot-connection')).toBe('');
    expect(hub.pauses).toBe(0);
  });

  it('waits for the hub, not for the proxy before it, and loads again', async () => {
    hub.replies = [
      new TypeError('Failed to fetch'),
      new Response('', { status: 502 }),
      FROM_HUB()
    ];
    hub.lose(CLOSED);
    await settle();
    expect(hub.pauses).toBe(3);
    expect(hub.went).toEqual(['reload']);
  });

  it('does not believe a hub that is ending that the server is ready', async () => {
    hub.replies = [new Response('', { status: 502 }), FROM_HUB()];
    hub.tell({ ready: true });
    await settle();
    expect(text('#sandlot-connection')).toContain('trying again');
    expect(hub.pauses).toBe(1);
    expect(hub.went).toEqual(['reload']);
  });

  it('waits while a hub that was restarted looks after the server', async () => {
    const checked = new Hub();
    checked.replies = [
      new Response('{"pending": "check"}'),
      new TypeError('Failed to fetch'),
      new Response('', { status: 502 }),
      new Response('{"pending": null}'),
      FROM_HUB()
    ];
    checked.page('check');
    await settle();
    expect(checked.streams).toEqual([]);
    expect(checked.went).toEqual(['reload']);
  });

  it('cancels, and goes to the spawn page with what happened', async () => {
    hub.replies = [new Response(null, { status: 204 })];
    document.querySelector<HTMLElement>('#sandlot-cancel')?.click();
    // The stream ends by it: not a failure of the start.
    hub.tell({ failed: true, message: 'Spawn cancelled' });
    hub.lose(CLOSED);
    await settle();
    expect(hub.went).toEqual(['/hub/spawn/ann']);
    expect(takeNotice()).toBe('Cancelled. Nothing is running.');
    expect(hub.asked).toEqual(['DELETE', 'GET']);
  });

  it('asks once for two clicks', async () => {
    hub.replies = [new Response(null, { status: 204 })];
    const cancel = document.querySelector<HTMLElement>('#sandlot-cancel');
    cancel?.click();
    cancel?.click();
    await settle();
    expect(hub.asked.filter(method => method === 'DELETE')).toHaveLength(1);
  });

  it('says when it could not cancel, and follows the start again', async () => {
    hub.replies = [new Response(null, { status: 500 })];
    document.querySelector<HTMLElement>('#sandlot-cancel')?.click();
    hub.tell({ ready: true });
    await settle();
    expect(text('#sandlot-connection')).toContain('was not cancelled');
    expect(hub.streams).toHaveLength(2);
    expect(hub.streams[0]?.closed).toBe(true);
    hub.replies = [FROM_HUB()];
    hub.tell({ ready: true });
    await settle();
    expect(hub.went).toEqual(['reload']);
  });
});
