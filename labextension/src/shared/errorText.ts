import type { TranslationBundle } from '@jupyterlab/translation';

import { RequestError } from './request';

/**
 * An error as a sentence: what is, why, what next.
 */
export function errorText(
  error: RequestError,
  trans: TranslationBundle
): string {
  if (error.code === RequestError.UNREACHABLE) {
    return trans.__(
      'Your server does not answer; it may be restarting, or the network is down. Your open files are kept in this page. Next: wait a moment, or try again.'
    );
  }
  return error.message;
}
