import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { formatAge, formatTime } from '../shared/format';
import { Problem } from '../shared/problem';
import { useNow } from '../shared/useNow';
import { useSignal } from '../shared/useSignal';
import type { Session, SessionView } from '../wire';
import { HubLine } from './hubLine';
import * as texts from './texts';
import type { ISessionModel } from './tokens';

export interface IDetailsProps {
  model: ISessionModel;
  trans: TranslationBundle;
}

/**
 * Everything that is known of the session, in whichever state it is.
 */
export function SessionDetails(props: IDetailsProps): React.JSX.Element {
  const { model, trans } = props;
  useSignal(model.changed);
  const { view } = model;
  if (view?.session) {
    return <Facts {...props} session={view.session} view={view} />;
  }
  if (view) {
    return <NoSession trans={trans} view={view} />;
  }
  return model.phase === 'failed' ? (
    <div className="jp-sandlot-Details">
      <Problem
        error={model.error}
        onRetry={() => void model.refresh()}
        trans={trans}
      />
    </div>
  ) : (
    <Skeleton trans={trans} />
  );
}

function Skeleton(props: { trans: TranslationBundle }): React.JSX.Element {
  return (
    <div className="jp-sandlot-Details" aria-busy="true">
      <p>{props.trans.__('Asking your server what it is…')}</p>
      {[0, 1, 2].map(row => (
        <div key={row} className="jp-sandlot-Skeleton" />
      ))}
    </div>
  );
}

function NoSession(props: {
  view: SessionView;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { view, trans } = props;
  return (
    <div className="jp-sandlot-Details">
      <p>
        {trans.__(
          'Sandlot did not start this server, so there is no profile, image or size to show.'
        )}
      </p>
      <HubLink url={view.hub_home_url} trans={trans} />
    </div>
  );
}

function Facts(
  props: IDetailsProps & { session: Session; view: SessionView }
): React.JSX.Element {
  const { model, session, trans, view } = props;
  const { size } = session;
  const usage = model.usage?.value ?? null;
  return (
    <div className="jp-sandlot-Details">
      {model.phase === 'stale' && <Stale model={model} trans={trans} />}
      {view.visitor && (
        <p className="jp-sandlot-Note">
          {trans.__(
            'This server belongs to %1. You are here as %2: you can look at its session, and not change it.',
            session.owner,
            view.viewer
          )}
        </p>
      )}
      <dl className="jp-sandlot-Facts">
        <dt>{trans.__('Profile')}</dt>
        <dd>{session.profile.display_name}</dd>
        <dt>{trans.__('Image')}</dt>
        <dd>{texts.imageName(session)}</dd>
        <dt>{trans.__('Size')}</dt>
        <dd>{size.display_name}</dd>
        {size.accelerator && (
          <>
            <dt>{trans.__('Accelerators')}</dt>
            <dd>
              {size.accelerator.count} × {size.accelerator.display_name}
            </dd>
          </>
        )}
        <dt>{trans.__('Memory')}</dt>
        <dd>
          {texts.memoryLine(size, usage, trans)}
          {texts.isMemoryAlmostFull(size, usage) && (
            <strong className="jp-sandlot-Warning">
              {trans.__('⚠ almost full')}
            </strong>
          )}
          <small>{texts.enforcedText(size.memory_enforced, trans)}</small>
        </dd>
        <dt>{trans.__('CPU')}</dt>
        <dd>
          {texts.cpuLine(size, usage, trans)}
          <small>{texts.enforcedText(size.cpu_enforced, trans)}</small>
        </dd>
      </dl>
      <p>{texts.isolationText(session.isolation, trans)}</p>
      {!view.visitor && model.phase !== 'stale' && (
        <HubLine model={model} trans={trans} />
      )}
      <HubLink url={view.hub_home_url} trans={trans} />
    </div>
  );
}

function Stale(props: IDetailsProps): React.JSX.Element {
  const { model, trans } = props;
  const now = useNow();
  const at = model.usage?.at;
  return (
    <Problem
      error={model.error}
      onRetry={() => void model.refresh()}
      trans={trans}
    >
      <p title={at ? formatTime(at) : ''}>
        {at
          ? trans.__('As of %1, reconnecting…', formatAge(now - at, trans))
          : trans.__('Reconnecting…')}
      </p>
    </Problem>
  );
}

function HubLink(props: {
  url: string | null;
  trans: TranslationBundle;
}): React.JSX.Element | null {
  const { trans, url } = props;
  return url ? (
    <a
      className="jp-sandlot-Link"
      href={url}
      rel="noopener noreferrer"
      target="_blank"
    >
      {trans.__('Open the hub home page')}
    </a>
  ) : null;
}
