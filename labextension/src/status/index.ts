/** The plugins of the session: the model, the status item, the command. */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Poll } from '@lumino/polling';
import React from 'react';

import { EVENT_USAGE, onServerEvent } from '../shared/events';
import { sessionApi } from './api';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- shown as soon as the page is
import { StatusItem } from './item';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- what `activate` returns
import { SessionModel } from './model';
import { ISessionModel } from './tokens';

/**
 * Visible pages ask this often. It keeps the usage events coming, and finds out when the
 * server is gone; what happens in between comes by event.
 */
const REFRESH_MS = 30_000;

/**
 * The id of the command that shows the session.
 */
const SHOW_SESSION = 'sandlot:show-session';

const sessionPlugin: JupyterFrontEndPlugin<ISessionModel> = {
  id: 'sandlot:session',
  description: 'Knows what this server was started as, and what it uses.',
  autoStart: true,
  provides: ISessionModel,
  activate: (app: JupyterFrontEnd): ISessionModel => {
    const { events, serverSettings } = app.serviceManager;
    const model = new SessionModel({ api: sessionApi(serverSettings) });
    const poll = new Poll({
      factory: () => model.refresh(),
      frequency: { backoff: false, interval: REFRESH_MS },
      name: 'sandlot:session',
      standby: 'when-hidden'
    });
    // What was true when the page was hidden is old when it is shown again.
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && !poll.isDisposed) {
        void model.refresh();
      }
    });
    model.changed.connect(() => {
      if (model.phase === 'empty') {
        poll.dispose();
      }
    });
    onServerEvent(events, EVENT_USAGE, usage => {
      model.receiveUsage(usage);
    });
    return model;
  }
};

const itemPlugin: JupyterFrontEndPlugin<void> = {
  id: 'sandlot:status-item',
  description: 'Shows the session in the status bar, where there is one.',
  autoStart: true,
  requires: [ISessionModel],
  optional: [IStatusBar, ISettingRegistry, ITranslator],
  activate: (
    _: JupyterFrontEnd,
    model: ISessionModel,
    statusBar: IStatusBar | null,
    settings: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    if (!statusBar) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('sandlot');
    const item = new StatusItem({ model, trans });
    statusBar.registerStatusItem(itemPlugin.id, {
      align: 'left',
      item,
      priority: 1,
      rank: 10
    });
    if (settings) {
      void followSettings(settings, item);
    }
  }
};

async function followSettings(
  registry: ISettingRegistry,
  item: StatusItem
): Promise<void> {
  const settings = await registry.load(itemPlugin.id);
  const apply = () => {
    item.showMemory = settings.get('showMemory').composite === true;
  };
  settings.changed.connect(apply);
  apply();
}

const commandPlugin: JupyterFrontEndPlugin<void> = {
  id: 'sandlot:session-command',
  description: 'Adds a command that shows the session in a dialog.',
  autoStart: true,
  requires: [ISessionModel],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: ISessionModel,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('sandlot');
    app.commands.addCommand(SHOW_SESSION, {
      caption: trans.__(
        'What this server was started as, and what it uses now'
      ),
      describedBy: { args: { properties: {}, type: 'object' } },
      execute: async () => {
        const { SessionDetails } = await import('./details');
        await showDialog({
          body: ReactWidget.create(
            React.createElement(SessionDetails, { model, trans })
          ),
          buttons: [Dialog.okButton({ label: trans.__('Close') })],
          title: trans.__('Session')
        });
      },
      label: trans.__('Show Session Details')
    });
    palette?.addItem({
      category: trans.__('Sandlot'),
      command: SHOW_SESSION
    });
  }
};

export const statusPlugins: JupyterFrontEndPlugin<unknown>[] = [
  sessionPlugin,
  itemPlugin,
  commandPlugin
];
