/** The one place that talks HTTP: to the page's own server, and to nobody else. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Problem } from '../wire';

const API = 'sandlot/api/v1';
const TIMEOUT_MS = 20_000;

/**
 * Why a request brought nothing.
 */
export class RequestError extends Error {
  constructor(options: RequestError.IOptions) {
    super(options.message, { cause: options.cause });
    this.name = 'RequestError';
    this.code = options.code;
    this.problem = options.problem ?? null;
  }

  /**
   * Stable code of the server; `unreachable` when there was no answer at all.
   */
  readonly code: string;

  /**
   * What the server said, when it said it in our way.
   */
  readonly problem: Problem | null;
}

export namespace RequestError {
  export interface IOptions {
    code: string;
    message: string;
    problem?: Problem;
    cause?: unknown;
  }

  /**
   * Code of a request that nobody answered.
   */
  export const UNREACHABLE = 'unreachable';
}

/**
 * Fetch JSON from a route of our server extension.
 *
 * Looking at a panel is not work: these requests do not count as activity, so that an
 * open page does not keep an idle server running.
 *
 * @param name - the route below `sandlot/api/v1/`
 * @throws RequestError, and nothing else
 */
export async function getJson<T>(
  name: string,
  settings: ServerConnection.ISettings
): Promise<T> {
  const url = URLExt.join(settings.baseUrl, API, name) + '?no_track_activity=1';
  const response = await send(url, settings);
  const body = await response.text();
  if (!response.ok) {
    throw refusal(response, body);
  }
  try {
    return JSON.parse(body) as T;
  } catch (cause) {
    throw new RequestError({
      code: 'reply',
      message: 'Your server gave an answer that is not JSON.',
      cause
    });
  }
}

async function send(
  url: string,
  settings: ServerConnection.ISettings
): Promise<Response> {
  const abort = new AbortController();
  const timer = setTimeout(() => {
    abort.abort();
  }, TIMEOUT_MS);
  try {
    return await ServerConnection.makeRequest(
      url,
      { signal: abort.signal },
      settings
    );
  } catch (cause) {
    throw new RequestError({
      code: RequestError.UNREACHABLE,
      message: 'Your server does not answer.',
      cause
    });
  } finally {
    clearTimeout(timer);
  }
}

function refusal(response: Response, body: string): RequestError {
  const problem = parseProblem(body);
  return problem
    ? new RequestError({
        code: problem.code,
        message: problem.detail,
        problem
      })
    : new RequestError({
        code: `http-${response.status}`,
        // What the proxy says in place of a server that is gone is no sentence for people.
        message: `Your server answered with HTTP status ${response.status}.`
      });
}

function parseProblem(body: string): Problem | null {
  try {
    const parsed = JSON.parse(body) as Partial<Problem> | null;
    return typeof parsed?.code === 'string' && typeof parsed.detail === 'string'
      ? (parsed as Problem)
      : null;
  } catch {
    return null;
  }
}
