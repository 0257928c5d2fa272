import { useCallback, useEffect, useState } from 'react';

import { asRequestError, type RequestError } from '../shared/request';

/**
 * What a view loads when it comes up.
 */
export interface ILoaded<T> {
  readonly value: T | null;
  readonly error: RequestError | null;
  readonly again: () => void;
}

/**
 * Load once, and again when asked to.
 *
 * @param load - the same function each time
 */
export function useLoaded<T>(load: () => Promise<T>): ILoaded<T> {
  const [state, setState] = useState<Omit<ILoaded<T>, 'again'>>({
    error: null,
    value: null
  });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let wanted = true;
    const show = (next: typeof state) => {
      if (wanted) {
        setState(next);
      }
    };
    load().then(
      value => {
        show({ error: null, value });
      },
      (reason: unknown) => {
        show({ error: asRequestError(reason), value: null });
      }
    );
    return () => {
      wanted = false;
    };
  }, [load, tries]);
  const again = useCallback(() => {
    setTries(count => count + 1);
  }, []);
  return { ...state, again };
}
