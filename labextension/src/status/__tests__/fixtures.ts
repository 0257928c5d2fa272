import { RequestError } from '../../shared/request';
import type {
  Availability,
  FlavorState,
  OfferList,
  Session,
  SessionView,
  Usage
} from '../../wire';
import type { ISessionApi } from '../api';

const GIB = 2 ** 30;

export const SESSION: Session = {
  image: { display_name: 'SciPy', slug: 'scipy' },
  image_version: '2026-11',
  isolation: 'own-uid',
  owner: 'alice',
  profile: { display_name: 'Notebook, CPU', slug: 'notebook' },
  server_name: '',
  settings_hash: '0123456789abcdef',
  size: {
    accelerator: null,
    cpu_enforced: true,
    cpus: 2,
    display_name: 'Small',
    memory_bytes: 4 * GIB,
    memory_enforced: false,
    slug: 'small'
  },
  spawn_id: '0'.repeat(32)
};

export const USAGE: Usage = {
  cpu_fraction: 0.42,
  memory_bytes: 1.2 * GIB,
  processes: 3
};

export const DOWN = new RequestError({
  code: RequestError.UNREACHABLE,
  message: 'Your server does not answer.'
});

export function view(changes: Partial<SessionView> = {}): SessionView {
  return {
    hub_home_url: '/hub/home',
    session: SESSION,
    viewer: 'alice',
    visitor: false,
    ...changes
  };
}

export function offers(...states: ('available' | 'unavailable')[]): OfferList {
  return {
    as_of: '2026-11-21T09:00:00Z',
    offers: states.map((state, index) => ({
      alternatives: [],
      image: 'scipy',
      profile: 'notebook',
      reason: null,
      size: `size-${index}`,
      state
    })),
    settings_hash: '0123456789abcdef',
    user: 'alice'
  };
}

export const FLAVOR: FlavorState = {
  down: 1,
  free: 3,
  growth_takes_s: null,
  largest_block: 2,
  may_grow: null,
  oldest_waiting: null,
  total: 8,
  used: 4,
  waiting: 0
};

export function availability(
  changes: Partial<Availability> = {},
  ...states: (FlavorState | null)[]
): Availability {
  return {
    age_s: 0.5,
    as_of: '2026-11-21T09:00:00Z',
    flavors: states.map((state, index) => ({
      display_name: `NVIDIA L${index + 4}`,
      holders: null,
      missing: null,
      slug: `l${index + 4}`,
      state
    })),
    counting: false,
    known: true,
    reason: null,
    scope: 'cluster',
    settings_hash: '0123456789abcdef',
    unknown_flavor: null,
    ...changes
  };
}

/**
 * A server that answers what the test put in, or fails with it.
 */
export class FakeServer implements ISessionApi {
  replies: {
    session: SessionView | Error;
    usage: Usage | Error;
    offers: OfferList | Error;
    availability: Availability | Error;
  } = {
    availability: availability({}, FLAVOR),
    offers: offers('available', 'unavailable'),
    session: view(),
    usage: USAGE
  };

  readonly asked: string[] = [];

  session = () => this._answer('session');

  usage = () => this._answer('usage');

  offers = () => this._answer('offers');

  availability = () => this._answer('availability');

  goDown(): void {
    this.replies = {
      availability: DOWN,
      offers: DOWN,
      session: DOWN,
      usage: DOWN
    };
  }

  private async _answer<K extends keyof FakeServer['replies']>(
    name: K
  ): Promise<Exclude<FakeServer['replies'][K], Error>> {
    this.asked.push(name);
    const reply = await Promise.resolve(this.replies[name]);
    if (reply instanceof Error) {
      throw reply;
    }
    return reply as Exclude<FakeServer['replies'][K], Error>;
  }
}
