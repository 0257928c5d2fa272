import { nullTranslator } from '@jupyterlab/translation';
import { act, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';

import { RequestError } from '../../shared/request';
import { StatusButton } from '../button';
import { SessionDetails } from '../details';
import { SessionModel } from '../model';
import {
  availability,
  FakeServer,
  FLAVOR,
  offers,
  SESSION,
  USAGE,
  view
} from './fixtures';

const trans = nullTranslator.load('sandlot');

function setup() {
  const server = new FakeServer();
  const model = new SessionModel({ api: server });
  return { model, server };
}

async function showDetails(model: SessionModel): Promise<HTMLElement> {
  const { container } = render(<SessionDetails model={model} trans={trans} />);
  // The hub is asked when the details come up.
  await act(async () => {
    await model.checkHub();
  });
  return container;
}

function showButton(model: SessionModel, showMemory = true): HTMLElement {
  render(
    <StatusButton
      expanded={false}
      model={model}
      onClick={() => undefined}
      showMemory={showMemory}
      trans={trans}
    />
  );
  return screen.getByRole('button');
}

describe('StatusButton', () => {
  it('says profile, image, size and memory', async () => {
    const { model } = setup();
    await model.refresh();
    const button = showButton(model);

    expect(button.textContent).toBe(
      'Notebook, CPU · SciPy 2026-11 · Small · 1.2 of 4 GiB'
    );
    expect(button.getAttribute('aria-expanded')).toBe('false');
    expect(button.getAttribute('aria-haspopup')).toBe('dialog');
  });

  it('leaves the memory out when it is not wanted', async () => {
    const { model } = setup();
    await model.refresh();

    expect(showButton(model, false).textContent).toBe(
      'Notebook, CPU · SciPy 2026-11 · Small'
    );
  });

  it('warns in words before the memory is full', async () => {
    const { model, server } = setup();
    server.replies.usage = { ...USAGE, memory_bytes: 3.7 * 2 ** 30 };
    await model.refresh();

    expect(showButton(model).textContent).toContain('almost full');
  });

  it('follows the model through its states', async () => {
    const { model, server } = setup();
    const button = showButton(model);
    expect(button.getAttribute('aria-busy')).toBe('true');
    expect(button.textContent).toBe('Session…');

    server.goDown();
    await act(() => model.refresh());
    expect(button.textContent).toContain('Session unknown');

    server.replies = new FakeServer().replies;
    await act(() => model.refresh());
    expect(button.textContent).toContain('SciPy');

    server.goDown();
    await act(() => model.refresh());
    expect(button.textContent).toContain('SciPy');
    expect(button.textContent).toContain('reconnecting');
  });

  it('says so on a server that Sandlot did not start', async () => {
    const { model, server } = setup();
    server.replies.session = view({ session: null });
    await model.refresh();

    expect(showButton(model).textContent).toBe('Not a Sandlot server');
  });
});

describe('SessionDetails', () => {
  it('tells everything about the session', async () => {
    const { model } = setup();
    await model.refresh();
    const text = (await showDetails(model)).textContent;

    for (const words of [
      'Notebook, CPU',
      'SciPy 2026-11',
      'Small',
      '1.2 of 4 GiB',
      'not enforced here',
      '0.4 of 2 cores',
      'limit enforced',
      'closed to the other users of this machine',
      '1 of 2 choices are available to you now.'
    ]) {
      expect(text).toContain(words);
    }
    const link = screen.getByRole('link');
    expect(link.getAttribute('href')).toBe('/hub/home');
  });

  it('names the accelerators', async () => {
    const { model, server } = setup();
    const accelerator = { count: 2, display_name: 'L4', flavor: 'l4' };
    const size = { ...SESSION.size, accelerator };
    server.replies.session = view({ session: { ...SESSION, size } });
    await model.refresh();

    expect((await showDetails(model)).textContent).toContain('2 × L4');
  });

  it.each([
    ['shared-uid', 'can read your files'],
    ['pod', 'a container of its own'],
    ['own-uid', 'closed to the other users']
  ] as const)('promises for %s what is true', async (isolation, words) => {
    const { model, server } = setup();
    server.replies.session = view({ session: { ...SESSION, isolation } });
    await model.refresh();

    expect((await showDetails(model)).textContent).toContain(words);
  });

  it('tells a visitor whose server it is, and asks the hub nothing', async () => {
    const { model, server } = setup();
    server.replies.session = view({ viewer: 'bob', visitor: true });
    await model.refresh();
    const text = (await showDetails(model)).textContent;

    expect(text).toContain('This server belongs to alice. You are here as bob');
    expect(server.asked).not.toContain('offers');
  });

  it('shows words while it loads', async () => {
    const container = await showDetails(setup().model);

    expect(container.querySelector('[aria-busy="true"]')).not.toBeNull();
    expect(container.textContent).toContain('Asking your server');
  });

  it('explains a server that Sandlot did not start', async () => {
    const { model, server } = setup();
    server.replies.session = view({ hub_home_url: null, session: null });
    await model.refresh();
    const container = await showDetails(model);

    expect(container.textContent).toContain('Sandlot did not start');
    expect(screen.queryByRole('link')).toBeNull();
  });

  it('gives the reason of a failure, its code, and a button that tries again', async () => {
    const { model, server } = setup();
    server.goDown();
    await model.refresh();
    const container = await showDetails(model);
    expect(container.textContent).toContain('Your server does not answer');
    expect(container.textContent).toContain('unreachable');

    server.replies = new FakeServer().replies;
    const button = screen.getByRole('button', { name: 'Try again' });
    await act(async () => {
      fireEvent.click(button);
      await model.refresh();
    });
    expect(container.textContent).toContain('SciPy');
  });

  it('keeps what it knew while the server is away', async () => {
    const { model, server } = setup();
    await model.refresh();
    server.goDown();
    await model.refresh();
    const text = (await showDetails(model)).textContent;

    expect(text).toContain('As of just now, reconnecting…');
    expect(text).toContain('SciPy');
  });

  it('says what the hub said, and that it can be asked again', async () => {
    const { model, server } = setup();
    server.replies.offers = new RequestError({
      code: 'service-timeout',
      message: 'The offers service did not answer within 10 s.'
    });
    await model.refresh();
    const container = await showDetails(model);
    expect(container.textContent).toContain('did not answer within 10 s');
    expect(container.textContent).toContain('SciPy');

    server.replies.offers = offers('available');
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
      await model.checkHub();
    });
    expect(container.textContent).toContain('1 of 1 choice is available');
  });

  it('offers no second try that cannot help', async () => {
    const { model, server } = setup();
    server.replies.offers = new RequestError({
      code: 'services-unknown',
      message: 'This server was not told where the services are.'
    });
    await model.refresh();
    const container = await showDetails(model);

    expect(container.textContent).toContain('was not told');
    expect(screen.queryByRole('button')).toBeNull();
  });

  it('shows the text of a server as text', async () => {
    const { model, server } = setup();
    const image = { display_name: '<img src=x onerror=alert(1)>', slug: 'x' };
    server.replies.session = view({ session: { ...SESSION, image } });
    await model.refresh();
    const container = await showDetails(model);

    expect(container.querySelector('img')).toBeNull();
    expect(container.textContent).toContain('<img src=x');
  });

  it.each([
    ['free ones', availability({}, FLAVOR), ['GPU: 3 of 8 NVIDIA L4 free']],
    [
      'a queue',
      availability({}, { ...FLAVOR, free: 0, waiting: 2 }),
      ['GPU: none of 8 NVIDIA L4 free, 2 waiting']
    ],
    [
      'none at all',
      availability({}, { ...FLAVOR, free: 0, total: 0 }),
      ['GPU: there is no NVIDIA L4 here now']
    ],
    [
      'every flavor',
      availability({}, FLAVOR, { ...FLAVOR, free: 0 }),
      ['GPU: 3 of 8 NVIDIA L4 free', 'GPU: none of 8 NVIDIA L5 free']
    ],
    [
      'what is not known any more',
      availability({ age_s: 40, known: false }, null, null),
      ['GPU: how many are free was known last 40 s ago.']
    ],
    [
      'what is not told',
      availability({}, FLAVOR, null, null),
      [
        'GPU: 3 of 8 NVIDIA L4 free',
        'GPU: how many are free cannot be told here.'
      ]
    ],
    ['nothing at a hub that has none', availability({}), []]
  ])('says of accelerators: %s', async (_, found, lines) => {
    const { model, server } = setup();
    server.replies.availability = found;
    await model.refresh();
    const container = await showDetails(model);
    const said = [...container.querySelectorAll('p')]
      .map(line => line.textContent)
      .filter(text => text.startsWith('GPU'));

    expect(said).toEqual(lines);
  });
});
