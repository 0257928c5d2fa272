import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { SessionDetails } from './details';
import type { ISessionModel } from './tokens';

/**
 * The session's details in a popup. It takes the focus, so that Escape closes it.
 */
export class SessionPopup extends ReactWidget {
  constructor(model: ISessionModel, trans: TranslationBundle) {
    super();
    this._model = model;
    this._trans = trans;
    this.addClass('jp-sandlot-Popup');
    this.node.setAttribute('role', 'dialog');
    this.node.setAttribute('aria-label', trans.__('Session'));
    this.node.tabIndex = -1;
  }

  protected override render(): React.JSX.Element {
    return <SessionDetails model={this._model} trans={this._trans} />;
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this.node.focus();
  }

  private readonly _model: ISessionModel;
  private readonly _trans: TranslationBundle;
}
