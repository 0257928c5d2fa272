import React, { useCallback, useState } from 'react';

import { Problem } from '../shared/problem';
import type { IClusterProps } from './context';
import { useLoaded } from './useLoaded';

const INDIVIDUAL = /^Individual /;

/**
 * Buttons for the plots of a dashboard: those that most people want, and a list of all.
 */
export function Plots(props: IClusterProps): React.JSX.Element {
  const { cluster, context } = props;
  const { panes, trans } = context;
  const { name } = cluster;
  const [open, setOpen] = useState(false);
  const usual = [
    { label: trans.__('Tasks'), route: '/individual-task-stream' },
    { label: trans.__('Graph'), route: '/individual-graph' },
    { label: trans.__('Workers'), route: '/individual-workers' }
  ];
  return (
    <div aria-label={trans.__('Dashboard')} role="group">
      <div className="jp-sandlot-Row">
        <span>{trans.__('Dashboard:')}</span>
        {panes.hasLayout && (
          <button
            className="jp-sandlot-Button"
            onClick={() => void panes.openLayout(name)}
            type="button"
          >
            {trans.__('Layout')}
          </button>
        )}
        {usual.map(plot => (
          <button
            className="jp-sandlot-Button"
            key={plot.route}
            onClick={() => {
              panes.open(name, plot);
            }}
            type="button"
          >
            {plot.label}
          </button>
        ))}
      </div>
      <details
        onToggle={event => {
          setOpen(event.currentTarget.open);
        }}
      >
        <summary>{trans.__('More plots')}</summary>
        {open && <AllPlots {...props} />}
      </details>
    </div>
  );
}

function AllPlots(props: IClusterProps): React.JSX.Element {
  const { cluster, context } = props;
  const { api, panes, trans } = context;
  const { name } = cluster;
  const load = useCallback(() => api.plots(name), [api, name]);
  const { again, error, value } = useLoaded(load);
  if (error) {
    return <Problem error={error} onRetry={again} trans={trans} />;
  }
  if (!value) {
    return <p aria-busy="true">{trans.__('Asking the dashboard…')}</p>;
  }
  const plots = Object.entries(value)
    .map(([title, route]) => ({ label: title.replace(INDIVIDUAL, ''), route }))
    .sort((one, other) => one.label.localeCompare(other.label));
  return (
    <ul className="jp-sandlot-Plots">
      {plots.map(plot => (
        <li key={plot.route}>
          <button
            className="jp-sandlot-Button"
            onClick={() => {
              panes.open(name, plot);
            }}
            type="button"
          >
            {plot.label}
          </button>
        </li>
      ))}
    </ul>
  );
}
