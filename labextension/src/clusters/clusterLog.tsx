import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useCallback, useState } from 'react';

import { Problem } from '../shared/problem';
import type { ClusterLog } from '../wire';
import type { IClusterProps } from './context';
import { shortName } from './texts';
import { useLoaded } from './useLoaded';

/**
 * The end of what the processes of a cluster wrote, for who opens it.
 */
export function ClusterLogView(props: IClusterProps): React.JSX.Element {
  const { trans } = props.context;
  const [open, setOpen] = useState(false);
  return (
    <details
      onToggle={event => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>{trans.__('Show the end of its log')}</summary>
      {open && <Lines {...props} />}
    </details>
  );
}

function Lines(props: IClusterProps): React.JSX.Element {
  const { cluster, context } = props;
  const { api, trans } = context;
  const { name } = cluster;
  const load = useCallback(() => api.log(name), [api, name]);
  const { again, error, value } = useLoaded(load);
  if (error) {
    return <Problem error={error} onRetry={again} trans={trans} />;
  }
  if (!value) {
    return <p aria-busy="true">{trans.__('Reading the log…')}</p>;
  }
  return (
    <>
      <Log lines={value.scheduler} name={trans.__('Scheduler')} trans={trans} />
      {value.workers.map(({ lines, worker }) => (
        <Log
          key={worker}
          lines={lines}
          name={trans.__('Worker %1', shortName(worker))}
          trans={trans}
        />
      ))}
    </>
  );
}

function Log(props: {
  lines: ClusterLog['scheduler'];
  name: string;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { lines, name, trans } = props;
  return (
    <>
      <p className="jp-sandlot-Small">{name}</p>
      <pre
        aria-label={trans.__('Log: %1', name)}
        className="jp-sandlot-Log"
        ref={showEnd}
        role="region"
        // So that those can scroll who have no pointer.
        tabIndex={0}
      >
        {lines.join('\n') || trans.__('It wrote nothing.')}
      </pre>
    </>
  );
}

/**
 * Why something ended is what it wrote last.
 */
function showEnd(log: HTMLElement | null): void {
  if (log) {
    log.scrollTop = log.scrollHeight;
  }
}
