import React, { useState } from 'react';

import { errorText } from '../shared/errorText';
import { formatAge, formatTime } from '../shared/format';
import { Problem } from '../shared/problem';
import { useNow } from '../shared/useNow';
import { useSignal } from '../shared/useSignal';
import type { PageCluster } from '../wire';
import { ClusterCard } from './card';
import type { IContextProps } from './context';
import { ClusterForm } from './form';
import { awayText, newsText } from './texts';

/**
 * The panel in whichever state it is.
 */
export function ClustersView(props: IContextProps): React.JSX.Element {
  const { model, trans } = props.context;
  useSignal(model.changed);
  return (
    <div className="jp-sandlot-Clusters" data-phase={model.phase}>
      <Content {...props} />
      <div aria-live="polite" className="jp-sandlot-Spoken" role="status">
        {newsText(model.news, trans)}
      </div>
    </div>
  );
}

function Content(props: IContextProps): React.JSX.Element {
  const { model, trans } = props.context;
  if (model.list) {
    return <Known {...props} clusters={model.list.value.clusters} />;
  }
  switch (model.phase) {
    case 'empty':
      return <p>{model.error && awayText(model.error, trans)}</p>;
    case 'failed':
      return (
        <Problem
          error={model.error}
          onRetry={() => void model.refresh()}
          trans={trans}
        />
      );
    default:
      return (
        <div aria-busy="true">
          <p>{trans.__('Asking for your clusters…')}</p>
          <div className="jp-sandlot-Skeleton" />
          <div className="jp-sandlot-Skeleton" />
        </div>
      );
  }
}

function Known(
  props: IContextProps & { clusters: readonly PageCluster[] }
): React.JSX.Element {
  const { clusters, context } = props;
  const { model, trans } = context;
  return (
    <>
      {model.phase === 'stale' && <Stale {...props} />}
      {clusters.length === 0 && (
        <p>
          {trans.__(
            'You have no clusters. A cluster computes for your notebooks, with more than one process, and is yours alone.'
          )}
        </p>
      )}
      <NewCluster context={context} />
      <List {...props} />
    </>
  );
}

function Stale(props: IContextProps): React.JSX.Element {
  const { model, trans } = props.context;
  const now = useNow();
  const at = model.list?.at ?? now;
  return (
    <Problem
      error={model.error}
      onRetry={() => void model.refresh()}
      trans={trans}
    >
      <p title={formatTime(at)}>
        {trans.__('As of %1, reconnecting…', formatAge(now - at, trans))}
      </p>
    </Problem>
  );
}

function NewCluster(props: IContextProps): React.JSX.Element {
  const { context } = props;
  const { model, trans } = context;
  const [choosing, setChoosing] = useState(false);
  const refusal = model.refusal('');
  return (
    <div className="jp-sandlot-NewCluster">
      <div className="jp-sandlot-Row">
        <button
          aria-busy={model.creating}
          className="jp-sandlot-Button jp-mod-primary"
          disabled={model.creating}
          onClick={() => void model.create(context.choice())}
          title={trans.__('Start a cluster like the last one')}
          type="button"
        >
          {model.creating ? trans.__('Ordering…') : trans.__('+ New cluster')}
        </button>
        <button
          aria-expanded={choosing}
          className="jp-sandlot-Button"
          onClick={() => {
            setChoosing(!choosing);
          }}
          type="button"
        >
          {choosing ? trans.__('Options ▴') : trans.__('Options ▾')}
        </button>
      </div>
      {refusal && (
        <p className="jp-sandlot-Note" role="alert">
          {errorText(refusal, trans)} <small>{refusal.code}</small>
        </p>
      )}
      {choosing && (
        <ClusterForm
          context={context}
          onCreate={choice => {
            setChoosing(false);
            context.remember(choice);
            void model.create(choice);
          }}
        />
      )}
    </div>
  );
}

function List(
  props: IContextProps & { clusters: readonly PageCluster[] }
): React.JSX.Element {
  const { clusters, context } = props;
  const [held, setHeld] = useState<readonly string[] | null>(null);
  return (
    <ul
      aria-label={context.trans.__('Your clusters')}
      className="jp-sandlot-ClusterList"
      onPointerEnter={() => {
        setHeld(clusters.map(cluster => cluster.name));
      }}
      onPointerLeave={() => {
        setHeld(null);
      }}
    >
      {inOrder(clusters, held).map(cluster => (
        <ClusterCard cluster={cluster} context={context} key={cluster.name} />
      ))}
    </ul>
  );
}

/**
 * Under the pointer nothing changes its place: what is new comes last.
 */
function inOrder(
  clusters: readonly PageCluster[],
  held: readonly string[] | null
): readonly PageCluster[] {
  if (!held) {
    return clusters;
  }
  const place = ({ name }: PageCluster) =>
    held.includes(name) ? held.indexOf(name) : held.length;
  return [...clusters].sort((one, other) => place(one) - place(other));
}
