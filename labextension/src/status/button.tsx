import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { useSignal } from '../shared/useSignal';
import type { Session, SessionSize, Usage } from '../wire';
import * as texts from './texts';
import type { ISessionModel } from './tokens';

export interface IStatusButtonProps {
  model: ISessionModel;
  expanded: boolean;
  onClick: () => void;

  /**
   * Whether the use of memory is part of it.
   */
  showMemory: boolean;
  trans: TranslationBundle;
}

/**
 * The status item: the session in a few words, as a button that opens the rest.
 */
export function StatusButton(props: IStatusButtonProps): React.JSX.Element {
  const { expanded, model, onClick, trans } = props;
  useSignal(model.changed);
  return (
    <button
      aria-busy={model.phase === 'loading'}
      aria-expanded={expanded}
      aria-haspopup="dialog"
      className="jp-sandlot-StatusButton"
      data-phase={model.phase}
      onClick={onClick}
      title={trans.__('Show session details')}
      type="button"
    >
      <Content {...props} />
    </button>
  );
}

function Content(props: IStatusButtonProps): React.JSX.Element {
  const { model, trans } = props;
  if (model.view?.session) {
    return <Summary {...props} session={model.view.session} />;
  }
  switch (model.phase) {
    case 'failed':
      return <span>{trans.__('⚠ Session unknown')}</span>;
    case 'empty':
      return <span>{trans.__('Not a Sandlot server')}</span>;
    default:
      return (
        <span className="jp-sandlot-Skeleton">{trans.__('Session…')}</span>
      );
  }
}

function Summary(
  props: IStatusButtonProps & { session: Session }
): React.JSX.Element {
  const { model, session, showMemory, trans } = props;
  const [profile, image, size] = texts.summary(session);
  return (
    <>
      <Part className="jp-mod-profile">{profile}</Part>
      <Part separated>{image}</Part>
      <Part className="jp-mod-size" separated>
        {size}
      </Part>
      {showMemory && model.usage && (
        <Memory size={session.size} trans={trans} usage={model.usage.value} />
      )}
      {model.phase === 'stale' && (
        <Part separated>{trans.__('↻ reconnecting')}</Part>
      )}
    </>
  );
}

function Part(props: {
  children: React.ReactNode;
  className?: string;
  separated?: boolean;
}): React.JSX.Element {
  const { children, className = '', separated = false } = props;
  return (
    <span className={`jp-sandlot-Part ${className}`}>
      {separated && <span className="jp-sandlot-Separator"> · </span>}
      {children}
    </span>
  );
}

function Memory(props: {
  size: SessionSize;
  trans: TranslationBundle;
  usage: Usage;
}): React.JSX.Element {
  const { size, trans, usage } = props;
  return (
    <Part className="jp-mod-memory" separated>
      {texts.memoryLine(size, usage, trans)}
      {texts.isMemoryAlmostFull(size, usage) && (
        <strong> {trans.__('⚠ almost full')}</strong>
      )}
    </Part>
  );
}
