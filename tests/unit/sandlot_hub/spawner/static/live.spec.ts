import { Live } from '../../../../../hub_ext/sandlot_hub/spawner/static/live.js';
import { View } from '../../../../../hub_ext/sandlot_hub/spawner/static/view.js';
import { byId, FULL, offers, page, profile, size } from './fixture';

const event = (name: string, data: unknown) =>
  `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

function following(url: string, ...pieces: string[]) {
  const { root, selection } = page();
  root.insertAdjacentHTML('beforeend', '<p id="sandlot-age"></p>');
  const news: string[] = [];
  let asked = 0;
  let isCut = false;
  const live = new Live({
    fetch: (_, init) => {
      asked += 1;
      if (isCut) return Promise.reject(new TypeError('There is no line.'));
      const encoder = new TextEncoder();
      const body = new ReadableStream({
        start: line => {
          pieces.forEach(piece => {
            line.enqueue(encoder.encode(piece));
          });
          init?.signal?.addEventListener('abort', () => {
            line.error(new Error('aborted'));
          });
        }
      });
      return Promise.resolve(new Response(body));
    },
    line: byId('sandlot-age'),
    monotonic: () => jest.now(),
    onChange: () => undefined,
    onNews: sentence => news.push(sentence),
    renew: () => Promise.resolve('t'),
    start: { age: 3, known: true, settings: 'a', ticket: 't', url },
    view: new View(selection)
  });
  const cut = () => {
    isCut = true;
  };
  return { asked: () => asked, cut, live, news };
}

const line = () => byId('sandlot-age').textContent;

describe('Live', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('shows what it is told, and how old that is', async () => {
    const { live } = following(
      '/stream',
      event('offers', offers([profile('cpu', [size('large', FULL)])])),
      event(
        'change',
        offers([profile('cpu', [size('large', { taken: 1 })])], { age_s: 2 })
      )
    );
    live.open();
    await jest.advanceTimersByTimeAsync(0);
    expect(byId('sandlot-size--cpu--large--about').textContent).toContain(
      '1 of 2 free'
    );
    expect(line()).toBe('Availability as of 2 s ago.');

    await jest.advanceTimersByTimeAsync(4000);
    live.tick();
    expect(line()).toBe('Availability as of 6 s ago.');
    live.close();
  });

  it('says so when availability is not known any more', async () => {
    const { live } = following(
      '/stream',
      event('offers', offers([profile('cpu', [size('large')])])),
      event('alive', { age_s: 30, as_of: '', known: false })
    );
    live.open();
    await jest.advanceTimersByTimeAsync(0);

    expect(line()).toContain('not known since 30 s');
    expect(byId('sandlot-size--cpu--large--about').textContent).toContain(
      'not known'
    );
    live.close();
  });

  it('says when other settings hold than those of the page', async () => {
    const both = [profile('cpu', []), profile('gpu', [])];
    const { live, news } = following(
      '/stream',
      event('offers', offers(both, { settings_hash: 'b' })),
      event('change', offers([], { settings_hash: 'b' }))
    );
    live.open();
    await jest.advanceTimersByTimeAsync(0);

    expect(news).toHaveLength(1);
    expect(news[0]).toContain('An administrator has changed');
    live.close();
  });

  it.each([
    ['both', ['cpu', 'gpu'], 0],
    ['one less', ['cpu'], 1],
    ['another', ['cpu', 'gpu', 'new'], 1]
  ])(
    'says whether the page shows all profiles: %s',
    async (_, slugs, count) => {
      const { live, news } = following(
        '/stream',
        event('offers', offers(slugs.map(slug => profile(slug, []))))
      );
      live.open();
      await jest.advanceTimersByTimeAsync(0);

      expect(news).toHaveLength(count);
      live.close();
    }
  );

  it('says nothing is free in a profile that is no longer told of', async () => {
    const gpu = profile('gpu', [size('large')]);
    const { live } = following(
      '/stream',
      event('offers', offers([profile('cpu', []), gpu])),
      event('offers', offers([profile('cpu', [])]))
    );
    live.open();
    await jest.advanceTimersByTimeAsync(0);

    for (const id of ['sandlot-profile--gpu', 'sandlot-size--gpu--large'])
      expect(byId(`${id}--about`).textContent).toContain('not known');
    live.close();
  });

  it('lets people try what was full, after a while without a line', async () => {
    const { cut, live } = following(
      '/stream',
      event('offers', offers([profile('cpu', [size('large', FULL)])]))
    );
    const large = byId('sandlot-size--cpu--large') as HTMLInputElement;
    live.open();
    await jest.advanceTimersByTimeAsync(0);
    expect(large.disabled).toBe(true);
    // Nothing comes for so long that the line counts as dead.
    cut();
    await jest.advanceTimersByTimeAsync(21_000);
    live.tick();
    live.close();

    expect(large.disabled).toBe(false);
    expect(byId(`${large.id}--about`).textContent).toContain('not known');
  });

  it('lets go of its line when nobody looks, and takes it up again', async () => {
    const { asked, live } = following('/stream', event('offers', offers([])));
    live.open();
    await jest.advanceTimersByTimeAsync(0);
    live.setHidden(true);
    await jest.advanceTimersByTimeAsync(10_000);
    live.setHidden(false);
    expect(asked()).toBe(1);

    live.setHidden(true);
    await jest.advanceTimersByTimeAsync(60_000);
    const before = asked();
    await jest.advanceTimersByTimeAsync(600_000);
    expect(asked()).toBe(before);

    live.setHidden(false);
    await jest.advanceTimersByTimeAsync(0);
    expect(asked()).toBe(before + 1);
    live.close();
  });

  it('follows nothing where there is nothing to follow', async () => {
    const { asked, live } = following('');
    live.open();
    await jest.advanceTimersByTimeAsync(90_000);
    live.tick();

    expect(asked()).toBe(0);
    expect(line()).toContain('Reload the page');
  });
});
