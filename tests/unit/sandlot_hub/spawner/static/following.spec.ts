import {
  follow,
  Following
} from '../../../../../hub_ext/sandlot_hub/spawner/static/following.js';

/** A page whose line never breaks; it says when it is opened, closed and looked at. */
class Page extends Following {
  constructor(url = '/stream') {
    super({
      age: 0,
      known: true,
      monotonic: () => 0,
      onEvent: () => undefined,
      onTick: () => {
        this.seen.push('tick');
      },
      stream: {
        fetch: () => {
          this.seen.push('ask');
          return new Promise(() => undefined);
        },
        renew: () => Promise.resolve('t'),
        ticket: 't',
        url
      }
    });
  }

  override close() {
    super.close();
    this.seen.push('close');
  }

  override take(told: { age_s: number; known: boolean; counting: boolean }) {
    super.take(told);
  }

  readonly seen: string[] = [];
}

const hide = (hidden: boolean) => {
  jest.spyOn(document, 'hidden', 'get').mockReturnValue(hidden);
  document.dispatchEvent(new Event('visibilitychange'));
};

describe('what is taken', () => {
  it('is being counted until it is told that it is not', () => {
    const page = new Page();
    page.take({ age_s: 30, known: false, counting: true });
    expect(page.words).toMatch('still being counted');
    page.take({ age_s: 1, known: false, counting: false });
    expect(page.words).toMatch('not known since 1 s');
  });
});

describe('follow', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it('asks when the page is shown, and lets go when it is left', () => {
    const page = new Page();
    follow(page);
    expect(page.seen).toEqual([]);
    window.dispatchEvent(new Event('pageshow'));
    expect(page.seen).toContain('ask');
    window.dispatchEvent(new Event('pagehide'));
    expect(page.seen.at(-1)).toBe('close');
  });

  it('does what a page asks for when it is shown', () => {
    const page = new Page();
    const shown = jest.fn();
    follow(page, shown);
    window.dispatchEvent(new Event('pageshow'));
    expect(shown).toHaveBeenCalledTimes(1);
    expect(page.seen).toEqual([]);
  });

  it('lets go of a page that nobody has looked at for a minute', () => {
    const page = new Page();
    follow(page);
    hide(true);
    jest.advanceTimersByTime(59_000);
    expect(page.seen).not.toContain('close');
    jest.advanceTimersByTime(1000);
    expect(page.seen).toContain('close');
    expect(page.seen).not.toContain('ask');
    hide(false);
    expect(page.seen).toContain('ask');
  });

  it('says every second how old the page is, also where there is no line', () => {
    const page = new Page('');
    follow(page);
    window.dispatchEvent(new Event('pageshow'));
    const before = page.seen.length;
    jest.advanceTimersByTime(3000);
    expect(page.seen.slice(before)).toEqual(['tick', 'tick', 'tick']);
    expect(page.seen).not.toContain('ask');
    expect(page.hasLine).toBe(false);
  });
});
