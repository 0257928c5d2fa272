import { Poll } from '@lumino/polling';
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect } from 'react';

import { errorText } from '../shared/errorText';
import { formatAge, formatTime } from '../shared/format';
import { Problem } from '../shared/problem';
import { useNow } from '../shared/useNow';
import { acceleratorLines } from './texts';
import type { ISessionModel } from './tokens';

const INTERVAL_MS = 15_000;

export interface IHubLineProps {
  model: ISessionModel;
  trans: TranslationBundle;
}

/**
 * Whether the hub answers, how long ago it did, and what it offers. The hub is asked only
 * while this is on the page and visible.
 */
export function HubLine(props: IHubLineProps): React.JSX.Element {
  const { model, trans } = props;
  const { accelerators, error, offers, phase } = model.hub;
  const now = useNow();
  useEffect(() => {
    const poll = new Poll({
      factory: () => model.checkHub(),
      frequency: { backoff: false, interval: INTERVAL_MS },
      name: 'sandlot:hub',
      standby: 'when-hidden'
    });
    return () => {
      poll.dispose();
    };
  }, [model]);

  if (error?.code === 'services-unknown') {
    // Asking again cannot help.
    return <p>{errorText(error, trans)}</p>;
  }
  if (phase === 'failed') {
    return (
      <Problem
        error={error}
        onRetry={() => void model.checkHub()}
        trans={trans}
      />
    );
  }
  if (!offers) {
    return <p aria-busy="true">{trans.__('Asking the hub…')}</p>;
  }
  const age = formatAge(now - offers.at, trans);
  const all = offers.value.offers.length;
  const available = offers.value.offers.filter(
    offer => offer.state === 'available'
  ).length;
  return (
    <>
      <p title={formatTime(offers.at)}>
        {phase === 'stale'
          ? trans.__('The hub answered %1, reconnecting…', age)
          : trans.__('The hub answered %1.', age)}{' '}
        {trans._n(
          '%2 of %1 choice is available to you now.',
          '%2 of %1 choices are available to you now.',
          all,
          available
        )}
      </p>
      {accelerators &&
        acceleratorLines(accelerators.value, now - accelerators.at, trans).map(
          line => <p key={line}>{line}</p>
        )}
    </>
  );
}
