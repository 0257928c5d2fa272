import { nullTranslator } from '@jupyterlab/translation';

import { RequestError } from '../../shared/request';
import type {
  AdaptiveWish,
  Availability,
  ClusterLog,
  ClusterOptions,
  ClusterSize,
  ClusterWish,
  FlavorState,
  NewCluster,
  PageCluster,
  PageClusters,
  WorkersWish
} from '../../wire';
import type { IClustersApi } from '../api';
import { FIRST_CHOICE } from '../choice';
import type { IClustersContext } from '../context';
import { ClustersModel } from '../model';
import type { IPlot } from '../panes';
import type { IClusterChoice } from '../tokens';

const GIB = 2 ** 30;
const NO_LIMITS = {
  accelerators: null,
  clusters: null,
  cpus: null,
  memory_bytes: null,
  workers: null
};

export const SMALL = {
  accelerator: null,
  cpus: 1,
  display_name: 'Small',
  memory_bytes: 2 * GIB,
  slug: 'small'
};
export const LARGE = {
  accelerator: null,
  cpus: 4,
  display_name: 'Large',
  memory_bytes: 16 * GIB,
  slug: 'large'
};

const SCIPY = { display_name: 'SciPy', slug: 'scipy', version: '2026-11' };

export const AWAY = new RequestError({
  code: 'service-unreachable',
  message: 'The Dask gateway cannot be reached from your server.'
});

export const OPTIONS: ClusterOptions = {
  images: [
    {
      display_name: 'Base',
      packages: [{ name: 'dask', version: '2026.7.1' }],
      slug: 'base',
      version: ''
    },
    {
      ...SCIPY,
      packages: [
        { name: 'numpy', version: '2.4' },
        { name: 'dask', version: '2026.8.0' }
      ]
    }
  ],
  limits: { ...NO_LIMITS, workers: 8 },
  pairs: [
    ['base', 'small'],
    ['scipy', 'small'],
    ['scipy', 'large']
  ],
  sizes: [SMALL, LARGE]
};

export const GPU: ClusterSize = {
  ...SMALL,
  accelerator: { count: 2, display_name: 'NVIDIA L4', flavor: 'l4' },
  display_name: 'Two GPUs',
  slug: 'gpu'
};

/**
 * What is told of GPUs: four are there, and free unless a test says otherwise.
 */
export function freeGpus(changes: Partial<FlavorState>): Availability {
  const state = {
    down: 0,
    free: 4,
    growth_takes_s: null,
    largest_block: 4,
    may_grow: null,
    oldest_waiting: null,
    total: 4,
    used: 0,
    waiting: 0,
    ...changes
  };
  const flavor = {
    display_name: 'NVIDIA L4',
    holders: null,
    missing: null,
    slug: 'l4'
  };
  return {
    age_s: 0,
    as_of: '2026-11-21T09:00:00.000Z',
    counting: false,
    flavors: [{ ...flavor, state }],
    known: true,
    reason: null,
    scope: 'machine',
    settings_hash: '',
    unknown_flavor: null
  };
}

export function cluster(changes: Partial<PageCluster> = {}): PageCluster {
  return {
    adaptive: null,
    code: '',
    dashboard: 'clusters/training/dashboard/status',
    detail: '',
    idle_timeout_s: 600,
    image: { ...SCIPY, packages: [] },
    name: 'training',
    next: '',
    reason: '',
    size: SMALL,
    started_at: '2026-11-21T09:00:00.000Z',
    status: 'RUNNING',
    stopped_at: null,
    unmet: null,
    workers: { running: 2, starting: 0, stopping: 0, wanted: 2 },
    ...changes
  };
}

/**
 * A cluster that has not begun.
 */
export function pending(name: string): PageCluster {
  return cluster({
    dashboard: '',
    detail: 'Its scheduler is starting.',
    name,
    status: 'PENDING',
    workers: { running: 0, starting: 0, stopping: 0, wanted: 0 }
  });
}

/**
 * A server that holds clusters, or fails with what the test put in.
 */
export class FakeServer implements IClustersApi {
  clusters: PageCluster[] = [];
  offered = OPTIONS;
  free = freeGpus({});
  failures: Partial<Record<keyof IClustersApi, Error>> = {};
  readonly asked: string[] = [];
  readonly orders: [string, string][] = [];

  list(): Promise<PageClusters> {
    const { limits } = OPTIONS;
    const used = {
      accelerators: 0,
      clusters: 0,
      cpus: 0,
      memory_bytes: 0,
      workers: 0
    };
    return this._answer('list', { clusters: this.clusters, limits, used });
  }

  options(): Promise<ClusterOptions> {
    return this._answer('options', this.offered);
  }

  availability(): Promise<Availability> {
    return this._answer('availability', this.free);
  }

  async create(wish: Partial<ClusterWish>): Promise<NewCluster> {
    await this._order('create', wish);
    const made = pending(`made-${this.clusters.length}`);
    this.clusters = [made, ...this.clusters];
    return { name: made.name };
  }

  scale(_: string, wish: WorkersWish): Promise<void> {
    return this._order('scale', wish.count);
  }

  adapt(_: string, wish: AdaptiveWish): Promise<void> {
    return this._order('adapt', wish);
  }

  async stop(name: string): Promise<void> {
    await this._order('stop', name);
    this.clusters = this.clusters.filter(each => each.name !== name);
  }

  log(): Promise<ClusterLog> {
    const workers = [{ lines: ['out of memory'], worker: 'w1' }];
    return this._answer('log', { scheduler: ['it began'], workers });
  }

  plots(): Promise<Record<string, string>> {
    return this._answer('plots', {
      'Individual Progress': '/individual-progress',
      'Individual Aggregate Time': '/individual-aggregate-time'
    });
  }

  /**
   * What was ordered: `scale 3`.
   */
  get ordered(): string[] {
    return this.orders.map(([what, wish]) => `${what} ${wish}`);
  }

  /**
   * Have one cluster be otherwise.
   */
  change(name: string, changes: Partial<PageCluster>): void {
    this.clusters = this.clusters.map(each =>
      each.name === name ? { ...each, ...changes } : each
    );
  }

  private async _order(
    what: keyof IClustersApi,
    wish: number | object | string
  ): Promise<void> {
    await this._answer(what, null);
    const said = typeof wish === 'object' ? JSON.stringify(wish) : `${wish}`;
    this.orders.push([what, said]);
  }

  private async _answer<T>(what: keyof IClustersApi, reply: T): Promise<T> {
    this.asked.push(what);
    const failure = await Promise.resolve(this.failures[what]);
    if (failure) {
      throw failure;
    }
    return reply;
  }
}

/**
 * Everything that views need, and what was done with it.
 */
export function setup() {
  const server = new FakeServer();
  const clock = { now: 1000 };
  const model = new ClustersModel({
    api: server,
    now: () => clock.now,
    serverImage: () => 'scipy'
  });
  const done: string[] = [];
  const memory: { choice: IClusterChoice } = { choice: FIRST_CHOICE };
  const context: IClustersContext = {
    api: server,
    choice: () => memory.choice,
    copy: name => {
      done.push(`copy ${name}`);
    },
    drag: (_, name) => {
      done.push(`drag ${name}`);
    },
    insert: name => {
      done.push(`insert ${name}`);
    },
    keep: name => {
      model.stay(name);
    },
    model,
    panes: {
      hasLayout: false,
      open: (name: string, plot: IPlot) => {
        done.push(`open ${name} ${plot.route} ${plot.label}`);
      },
      openLayout: () => Promise.resolve()
    },
    remember: choice => {
      memory.choice = choice;
    },
    serverImage: () => 'scipy',
    stop: each => model.stop(each.name),
    trans: nullTranslator.load('sandlot')
  };
  return { clock, context, done, memory, model, server };
}
