import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer } from 'react';

/**
 * Render again whenever the signal is emitted.
 */
export function useSignal<S, A>(signal: ISignal<S, A>): void {
  const [, renderAgain] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const slot = () => {
      renderAgain();
    };
    signal.connect(slot);
    // It may have been emitted between the first rendering and this effect.
    renderAgain();
    return () => {
      signal.disconnect(slot);
    };
  }, [signal]);
}
