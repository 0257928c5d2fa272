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
 * Any mistake as the error that views show.
 */
export function asRequestError(reason: unknown): RequestError {
  return reason instanceof RequestError
    ? reason
    : new RequestError({
        code: 'internal',
        message: String(reason),
        cause: reason
      });
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
  const url = routeUrl(name, settings) + '?no_track_activity=1';
  return parse(await ask(url, {}, settings)) as T;
}

/**
 * Order something of our server extension, and return what it answers: somebody is at work.
 *
 * @param name - the route below `sandlot/api/v1/`
 * @throws RequestError, and nothing else
 */
export async function postJson<T>(
  name: string,
  body: object,
  settings: ServerConnection.ISettings
): Promise<T> {
  const init = { body: JSON.stringify(body), method: 'POST' };
  const text = await ask(routeUrl(name, settings), init, settings);
  // Most orders are answered with nothing.
  return (text ? parse(text) : undefined) as T;
}

/**
 * Have something ended. Throws as `postJson` does.
 */
export async function sendDelete(
  name: string,
  settings: ServerConnection.ISettings
): Promise<void> {
  // It may be the last thing that a page does.
  const init = { keepalive: true, method: 'DELETE' };
  await ask(routeUrl(name, settings), init, settings);
}

/**
 * The address of a route of our server extension.
 */
export function routeUrl(
  name: string,
  settings: ServerConnection.ISettings
): string {
  return URLExt.join(settings.baseUrl, API, name);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new RequestError({
      code: 'reply',
      message: 'Your server gave an answer that is not JSON.',
      cause
    });
  }
}

async function ask(
  url: string,
  init: RequestInit,
  settings: ServerConnection.ISettings
): Promise<string> {
  const abort = new AbortController();
  const timer = setTimeout(() => {
    abort.abort();
  }, TIMEOUT_MS);
  try {
    const response = await ServerConnection.makeRequest(
      url,
      { ...init, signal: abort.signal },
      settings
    );
    const body = await response.text();
    if (!response.ok) {
      throw refusal(response, body);
    }
    return body;
  } catch (cause) {
    if (cause instanceof RequestError) {
      throw cause;
    }
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
