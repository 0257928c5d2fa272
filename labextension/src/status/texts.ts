/** What the session says in words. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { formatAge, inGib } from '../shared/format';
import type {
  Availability,
  FlavorState,
  Session,
  SessionSize,
  Usage
} from '../wire';

/**
 * Above this share of its memory a server is close to losing a process.
 */
const ALMOST_FULL = 0.9;

/**
 * What the session is, in the order in which people look for it.
 */
export function summary(session: Session): string[] {
  return [
    session.profile.display_name,
    imageName(session),
    session.size.display_name
  ];
}

export function imageName(session: Session): string {
  return [session.image.display_name, session.image_version]
    .filter(Boolean)
    .join(' ');
}

export function memoryLine(
  size: SessionSize,
  usage: Usage | null,
  trans: TranslationBundle
): string {
  const limit = inGib(size.memory_bytes);
  return usage
    ? trans.__('%1 of %2 GiB', inGib(usage.memory_bytes), limit)
    : trans.__('%1 GiB', limit);
}

export function isMemoryAlmostFull(
  size: SessionSize,
  usage: Usage | null
): boolean {
  return (
    usage !== null && usage.memory_bytes >= ALMOST_FULL * size.memory_bytes
  );
}

export function cpuLine(
  size: SessionSize,
  usage: Usage | null,
  trans: TranslationBundle
): string {
  return usage
    ? trans._n(
        '%2 of %1 core',
        '%2 of %1 cores',
        size.cpus,
        Math.round(usage.cpu_fraction * 10) / 10
      )
    : trans._n('%1 core', '%1 cores', size.cpus);
}

/**
 * Which accelerators are free, a line a flavor; nothing at a hub that has none.
 *
 * @param ageMs - How long ago the hub answered.
 */
export function acceleratorLines(
  { age_s, flavors, known }: Availability,
  ageMs: number,
  trans: TranslationBundle
): string[] {
  if (flavors.length === 0) {
    return [];
  }
  if (!known) {
    const age = formatAge(ageMs + age_s * 1000, trans);
    return [trans.__('GPU: how many are free was known last %1.', age)];
  }
  const told = flavors.flatMap(({ display_name, state }) =>
    state ? [acceleratorLine(display_name, state, trans)] : []
  );
  const missing = flavors.length - told.length;
  return missing > 0
    ? [...told, trans.__('GPU: how many are free cannot be told here.')]
    : told;
}

function acceleratorLine(
  name: string,
  { free, total, waiting }: FlavorState,
  trans: TranslationBundle
): string {
  if (total === 0) {
    return trans.__('GPU: there is no %1 here now', name);
  }
  if (free > 0) {
    return trans.__('GPU: %1 of %2 %3 free', free, total, name);
  }
  return waiting > 0
    ? trans.__('GPU: none of %1 %2 free, %3 waiting', total, name, waiting)
    : trans.__('GPU: none of %1 %2 free', total, name);
}

/**
 * Whether a figure is a limit or a promise that nobody keeps.
 */
export function enforcedText(
  enforced: boolean,
  trans: TranslationBundle
): string {
  return enforced ? trans.__('limit enforced') : trans.__('not enforced here');
}

export function isolationText(
  isolation: Session['isolation'],
  trans: TranslationBundle
): string {
  switch (isolation) {
    case 'own-uid':
      return trans.__(
        'Your files and programs are closed to the other users of this machine.'
      );
    case 'pod':
      return trans.__(
        'Your server runs in a container of its own, apart from those of other users.'
      );
    case 'shared-uid':
      return trans.__(
        'Everybody who can log in here shares one system account and can read your files and stop your programs. Keep nothing here that they must not see.'
      );
  }
}
