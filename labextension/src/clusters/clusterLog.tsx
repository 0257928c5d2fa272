import React, { useCallback, useState } from 'react';

import { Problem } from '../shared/problem';
import type { ClusterLog } from '../wire';
import type { IClusterProps } from './context';
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
  return value ? (
    // So that those can scroll who have no pointer.
    <pre
      aria-label={trans.__('Log')}
      className="jp-sandlot-Log"
      role="region"
      tabIndex={0}
    >
      {allLines(value).join('\n') || trans.__('It wrote nothing.')}
    </pre>
  ) : (
    <p aria-busy="true">{trans.__('Reading the log…')}</p>
  );
}

function allLines(log: ClusterLog): string[] {
  return [
    ...log.scheduler,
    ...log.workers.flatMap(({ lines, worker }) => [`— ${worker}`, ...lines])
  ];
}
