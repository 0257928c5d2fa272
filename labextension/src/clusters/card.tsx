import React from 'react';

import { errorText } from '../shared/errorText';
import { formatAge, formatTime } from '../shared/format';
import { useNow } from '../shared/useNow';
import { ClusterLogView } from './clusterLog';
import type { IClusterProps } from './context';
import { Plots } from './plots';
import { Scaling } from './scaling';
import * as texts from './texts';
import { Versions } from './versions';

const CLOCK_MS = 10_000;

/**
 * One cluster: what it is, what it has, and what can be done with it.
 */
export function ClusterCard(props: IClusterProps): React.JSX.Element {
  const { cluster, context } = props;
  const { model, trans } = context;
  const refusal = model.refusal(cluster.name);
  const name = texts.shortName(cluster.name);
  return (
    <li
      aria-label={trans.__('Cluster %1', name)}
      className="jp-sandlot-Cluster"
      data-status={cluster.status}
    >
      <Head {...props} />
      {cluster.status === 'RUNNING' && <Running {...props} />}
      {cluster.status === 'PENDING' && <p>{cluster.detail}</p>}
      {(cluster.status === 'FAILED' || isLost(cluster)) && (
        <Failed {...props} />
      )}
      <p className="jp-sandlot-Small">
        {trans.__(
          '%1 · each worker: %2',
          texts.imageText(cluster.image),
          texts.sizeText(cluster.size, trans)
        )}
      </p>
      <Versions {...props} />
      {refusal && (
        <p className="jp-sandlot-Note" role="alert">
          {errorText(refusal, trans)} <small>{refusal.code}</small>
        </p>
      )}
      {cluster.unmet && (
        <p className="jp-sandlot-Note" role="alert">
          {cluster.unmet.message} <small>{cluster.unmet.code}</small>
        </p>
      )}
      {model.leaving(cluster.name) ? (
        <Leaving {...props} />
      ) : (
        <Buttons {...props} />
      )}
    </li>
  );
}

/**
 * Whether it ends because it has failed: why is known before all of it is gone.
 */
function isLost({ code, status }: IClusterProps['cluster']): boolean {
  return status === 'STOPPING' && code !== '';
}

function Head(props: IClusterProps): React.JSX.Element {
  const { cluster, context } = props;
  const { trans } = context;
  const now = useNow(CLOCK_MS);
  const at = Date.parse(cluster.started_at);
  return (
    <div className="jp-sandlot-ClusterHead">
      <h3 title={cluster.name}>{texts.shortName(cluster.name)}</h3>
      <span className="jp-sandlot-Status" title={formatTime(at)}>
        {texts.statusText(cluster.status, trans)}
        {' · '}
        {trans.__('started %1', formatAge(now - at, trans))}
      </span>
    </div>
  );
}

function Running(props: IClusterProps): React.JSX.Element {
  const { cluster, context } = props;
  const { model, trans } = context;
  return (
    <>
      <p className="jp-sandlot-Workers">
        {texts.workersText(cluster, model.wanted(cluster), trans)}
      </p>
      {cluster.detail && (
        <p className="jp-sandlot-Waits">
          <span aria-hidden="true">◐ </span>
          {cluster.detail}
        </p>
      )}
      <Scaling {...props} />
      {cluster.dashboard && <Plots {...props} />}
    </>
  );
}

function Failed(props: IClusterProps): React.JSX.Element {
  const { cluster } = props;
  return (
    <>
      <p>
        {cluster.reason} {cluster.next} <small>{cluster.code}</small>
      </p>
      <ClusterLogView {...props} />
    </>
  );
}

function Leaving(props: IClusterProps): React.JSX.Element {
  const { cluster, context } = props;
  const { trans } = context;
  return (
    <div className="jp-sandlot-Row" role="status">
      {trans.__('It ends in a moment.')}
      <button
        autoFocus
        className="jp-sandlot-Button jp-sandlot-Last"
        onClick={() => {
          context.keep(cluster.name);
        }}
        type="button"
      >
        {trans.__('Undo')}
      </button>
    </div>
  );
}

function Buttons(props: IClusterProps): React.JSX.Element | null {
  const { cluster, context } = props;
  const { trans } = context;
  const { name, status } = cluster;
  if (status !== 'PENDING' && status !== 'RUNNING') {
    return null;
  }
  return (
    <div className="jp-sandlot-Row">
      {status === 'RUNNING' && (
        <>
          <button
            className="jp-sandlot-Button jp-sandlot-Insert"
            onClick={() => {
              context.insert(name);
            }}
            onPointerDown={event => {
              context.drag(event.nativeEvent, name);
            }}
            title={trans.__(
              'Put the code that connects to this cluster below the active cell; or drag it anywhere in the notebook'
            )}
            type="button"
          >
            {trans.__('Insert code')}
          </button>
          <button
            className="jp-sandlot-Button"
            onClick={() => {
              context.copy(name);
            }}
            title={trans.__('Copy the code that connects to this cluster')}
            type="button"
          >
            {trans.__('Copy code')}
          </button>
        </>
      )}
      <button
        className="jp-sandlot-Button jp-sandlot-Last"
        onClick={() => void context.stop(cluster)}
        type="button"
      >
        {trans.__('Stop cluster')}
      </button>
    </div>
  );
}
