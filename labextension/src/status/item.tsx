import { type Popup, showPopup } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import { StatusButton } from './button';
import type { SessionPopup } from './popup';
import type { ISessionModel } from './tokens';

/**
 * The widget in the status bar: a button, and the popup that it opens and closes.
 */
export class StatusItem extends ReactWidget {
  constructor(options: StatusItem.IOptions) {
    super();
    this._model = options.model;
    this._trans = options.trans;
    this.addClass('jp-sandlot-StatusItem');
  }

  /**
   * Whether the use of memory is shown.
   */
  get showMemory(): boolean {
    return this._showMemory;
  }

  set showMemory(value: boolean) {
    this._showMemory = value;
    this.update();
  }

  override dispose(): void {
    this._popup?.dispose();
    super.dispose();
  }

  protected override render(): React.JSX.Element {
    return (
      <StatusButton
        expanded={this._popup !== null}
        model={this._model}
        onClick={() => void this._toggle()}
        showMemory={this._showMemory}
        trans={this._trans}
      />
    );
  }

  private async _toggle(): Promise<void> {
    if (this._popup) {
      this._popup.dispose();
      return;
    }
    const { SessionPopup } = await import('./popup');
    this._open(new SessionPopup(this._model, this._trans));
  }

  private _open(body: SessionPopup): void {
    // Another click, or the end of the page, may have come while the popup was loading.
    if (this._popup || this.isDisposed) {
      body.dispose();
      return;
    }
    this._popup = showPopup({
      align: 'left',
      anchor: this,
      body,
      hasDynamicSize: true
    });
    this._popup.disposed.connect(() => {
      this._onClosed(body);
    });
    this.update();
  }

  private _onClosed(body: SessionPopup): void {
    // Closed by a click elsewhere, the focus is there already, and belongs there.
    const returnFocus = body.node.contains(document.activeElement);
    body.dispose();
    this._popup = null;
    this.update();
    if (returnFocus) {
      this.node.querySelector('button')?.focus();
    }
  }

  private readonly _model: ISessionModel;
  private readonly _trans: TranslationBundle;
  private _popup: Popup | null = null;
  private _showMemory = true;
}

export namespace StatusItem {
  export interface IOptions {
    model: ISessionModel;
    trans: TranslationBundle;
  }
}
