import type { JupyterFrontEnd } from '@jupyterlab/application';
import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';

import { DaskLayout } from '../layout';

const TELL_ADDRESS = 'dask:populate-dashboard-url';

/**
 * The commands of the extension of Dask: it takes an address, and opens its layout once it has found
 * a dashboard there.
 */
class DaskCommands {
  constructor(private readonly isInstalled: boolean) {}

  hasCommand(id: string): boolean {
    return (
      this.isInstalled && [TELL_ADDRESS, 'dask:launch-layout'].includes(id)
    );
  }

  isEnabled(): boolean {
    return this.hasFound;
  }

  execute(id: string, args?: { url: string }): Promise<void> {
    const opened = this.hasFound ? 'open' : 'open nothing';
    this.done.push(id === TELL_ADDRESS ? `ask ${args?.url}` : opened);
    return Promise.resolve();
  }

  readonly done: string[] = [];
  hasFound = false;
}

function setup(options: { isInstalled?: boolean } = {}) {
  const dask = new DaskCommands(options.isInstalled ?? true);
  const told: string[] = [];
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: 'http://hub/user/ann/'
  });
  const layout = new DaskLayout({
    app: {
      commands: dask,
      serviceManager: { serverSettings }
    } as unknown as JupyterFrontEnd,
    people: {
      tell: message => {
        told.push(message);
      }
    },
    trans: nullTranslator.load('sandlot')
  });
  return { dask, layout, told };
}

const ASKED =
  'ask http://hub/user/ann/sandlot/api/v1/clusters/training/dashboard';

describe('DaskLayout', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('is there where the extension of Dask is', () => {
    expect(setup({ isInstalled: false }).layout.isThere).toBe(false);
    expect(setup().layout.isThere).toBe(true);
  });

  it('waits until that has found the dashboard', async () => {
    const { dask, layout, told } = setup();
    const opened = layout.open('training');
    await jest.advanceTimersByTimeAsync(3000);
    expect(dask.done).toEqual([ASKED]);

    dask.hasFound = true;
    await jest.advanceTimersByTimeAsync(100);
    await opened;
    expect(dask.done).toEqual([ASKED, 'open']);
    expect(told).toEqual([]);
  });

  it('says so when that does not find it', async () => {
    const { dask, layout, told } = setup();
    const opened = layout.open('training');
    await jest.advanceTimersByTimeAsync(20_000);
    await opened;

    expect(dask.done).toEqual([ASKED]);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('does not find the dashboard');
  });
});
