/** The plugins of Dask clusters: the model, the panel, the launcher card, Lab's Running. */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { IRunningSessionManagers } from '@jupyterlab/running';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

/* eslint-disable jupyter/prefer-lazy-imports -- the tab, the commands and the card are there
   from the start, and all of this is what makes them */
import { EVENT_CLUSTERS, onServerEvent } from '../shared/events';
import { ISessionModel } from '../status/tokens';
import { ClusterActions } from './actions';
import { clustersApi } from './api';
import { addCommands, CommandIDs } from './commands';
import type { IClustersContext } from './context';
import { followPage } from './freshness';
import { DaskLayout } from './layout';
import { ChoiceMemory } from './memory';
import { ClustersModel } from './model';
import { ClustersPanel } from './panel';
import { Panes } from './panes';
import { people } from './people';
import { runningClusters } from './running';
import { IClustersModel } from './tokens';
/* eslint-enable jupyter/prefer-lazy-imports */

const RANK = 300;

const modelPlugin: JupyterFrontEndPlugin<IClustersModel> = {
  id: 'sandlot:clusters-model',
  description: 'Knows the Dask clusters of the owner of this server.',
  autoStart: true,
  provides: IClustersModel,
  optional: [ISessionModel],
  activate: (
    app: JupyterFrontEnd,
    session: ISessionModel | null
  ): IClustersModel => {
    const { events, serverSettings } = app.serviceManager;
    const model = new ClustersModel({
      api: clustersApi(serverSettings),
      serverImage: () => imageOfServer(session)
    });
    onServerEvent(events, EVENT_CLUSTERS, () => {
      // Hidden pages ask when they are shown again.
      if (!document.hidden) {
        void model.refresh();
      }
    });
    return model;
  }
};

const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'sandlot:clusters',
  description: 'Shows Dask clusters in the sidebar, and adds their commands.',
  autoStart: true,
  requires: [IClustersModel],
  optional: [
    ISessionModel,
    ISettingRegistry,
    ICommandPalette,
    ILayoutRestorer,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    model: IClustersModel,
    session: ISessionModel | null,
    settings: ISettingRegistry | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('sandlot');
    const memory = new ChoiceMemory();
    const actions = new ClusterActions({
      model,
      people,
      shell: app.shell,
      trans
    });
    const context: IClustersContext = {
      api: clustersApi(app.serviceManager.serverSettings),
      choice: () => memory.choice,
      copy: name => {
        actions.copy(name);
      },
      drag: (press, name) => {
        actions.drag(press, name);
      },
      insert: name => {
        actions.insert(name);
      },
      keep: name => {
        actions.keep(name);
      },
      model,
      panes: new Panes(app, new DaskLayout({ app, people, trans })),
      remember: choice => {
        memory.remember(choice);
      },
      serverImage: () => imageOfServer(session),
      stop: cluster => actions.stop(cluster),
      trans
    };
    const panel = new ClustersPanel(context);
    app.shell.add(panel, 'left', { rank: RANK });
    restorer?.add(panel, ClustersPanel.ID);
    addCommands(app, context, palette);
    window.addEventListener('pagehide', () => {
      actions.finish();
    });
    followPage({ model, panel, restored: app.restored });
    void settings?.load(panelPlugin.id).then(found => {
      memory.follow(found);
    });
  }
};

const launcherPlugin: JupyterFrontEndPlugin<void> = {
  id: 'sandlot:clusters-launcher',
  description: 'Adds a card for a new Dask cluster to the launcher.',
  autoStart: true,
  requires: [IClustersModel],
  optional: [ILauncher, ITranslator],
  activate: (
    _: JupyterFrontEnd,
    model: IClustersModel,
    launcher: ILauncher | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('sandlot');
    const card = launcher?.add({
      category: trans.__('Other'),
      command: CommandIDs.newCluster,
      rank: RANK
    });
    model.changed.connect(() => {
      if (model.phase === 'empty') {
        card?.dispose();
      }
    });
  }
};

const runningPlugin: JupyterFrontEndPlugin<void> = {
  id: 'sandlot:clusters-running',
  description: 'Lists Dask clusters among what is running.',
  autoStart: true,
  requires: [IClustersModel],
  optional: [IRunningSessionManagers, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IClustersModel,
    managers: IRunningSessionManagers | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('sandlot');
    managers?.add(runningClusters({ commands: app.commands, model, trans }));
  }
};

function imageOfServer(session: ISessionModel | null): string {
  return session?.view?.session?.image.slug ?? '';
}

export const clustersPlugins: JupyterFrontEndPlugin<unknown>[] = [
  modelPlugin,
  panelPlugin,
  launcherPlugin,
  runningPlugin
];
