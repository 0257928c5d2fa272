/** Figures as people read them: always with their unit. */
import type { TranslationBundle } from '@jupyterlab/translation';

const GIB = 2 ** 30;
const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

/**
 * Memory in GiB, with one decimal where it has one: `0.4`, `12.4`, `64`.
 */
export function inGib(bytes: number): string {
  return String(Math.round((bytes / GIB) * 10) / 10);
}

/**
 * How long ago something was: in seconds up to a minute, then coarser.
 */
export function formatAge(ageMs: number, trans: TranslationBundle): string {
  const seconds = Math.max(0, Math.round(ageMs / 1000));
  if (seconds < 2) {
    return trans.__('just now');
  }
  if (seconds < MINUTE_S) {
    return trans.__('%1 s ago', seconds);
  }
  if (seconds < HOUR_S) {
    return trans.__('%1 min ago', Math.floor(seconds / MINUTE_S));
  }
  if (seconds < DAY_S) {
    return trans.__('%1 h ago', Math.floor(seconds / HOUR_S));
  }
  return trans._n('%1 day ago', '%1 days ago', Math.floor(seconds / DAY_S));
}

/**
 * The exact time, for who hovers over a relative one.
 */
export function formatTime(at: number): string {
  return new Date(at).toLocaleString();
}
