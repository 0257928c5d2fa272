import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { errorText } from './errorText';
import type { RequestError } from './request';

export interface IProblemProps {
  /**
   * What is shown meanwhile, when something is.
   */
  children?: React.ReactNode;
  error: RequestError | null;
  onRetry: () => void;
  trans: TranslationBundle;
}

/**
 * Why something is not there, and the button that tries again.
 */
export function Problem(props: IProblemProps): React.JSX.Element | null {
  const { children, error, onRetry, trans } = props;
  return error ? (
    <div className="jp-sandlot-Problem" role="status">
      {children}
      <p>
        {errorText(error, trans)} <small>{error.code}</small>
      </p>
      <button
        className="jp-Dialog-button jp-mod-styled jp-mod-reject"
        onClick={onRetry}
        type="button"
      >
        {trans.__('Try again')}
      </button>
    </div>
  ) : null;
}
