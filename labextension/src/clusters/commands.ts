import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';

import type { PageCluster } from '../wire';
import type { IClustersContext } from './context';
import { clustersIcon } from './icon';
import { ClustersPanel } from './panel';

/**
 * The ids of the commands; other plugins run them by these.
 */
export const CommandIDs = {
  insertCode: 'sandlot:insert-cluster-code',
  newCluster: 'sandlot:new-cluster',
  showClusters: 'sandlot:show-clusters',
  stopCluster: 'sandlot:stop-cluster'
} as const;

const NAME = {
  args: {
    properties: {
      name: {
        description: 'Name of the cluster; the newest one when it is left out.',
        type: 'string'
      }
    },
    type: 'object'
  }
} as const;

/**
 * Add the commands, and put them into the palette where there is one.
 */
export function addCommands(
  app: JupyterFrontEnd,
  context: IClustersContext,
  palette: ICommandPalette | null
): void {
  const { commands, shell } = app;
  const { model, trans } = context;
  const isHere = () => model.phase !== 'empty';
  const running = (name?: unknown) =>
    find(context, name, ({ status }) => status === 'RUNNING');
  const ending = (name?: unknown) =>
    find(
      context,
      name,
      ({ status }) => status === 'RUNNING' || status === 'PENDING'
    );

  commands.addCommand(CommandIDs.showClusters, {
    describedBy: { args: { properties: {}, type: 'object' } },
    execute: () => {
      shell.activateById(ClustersPanel.ID);
    },
    label: trans.__('Show Dask Clusters')
  });
  commands.addCommand(CommandIDs.newCluster, {
    caption: trans.__('Start a Dask cluster like the last one'),
    describedBy: { args: { properties: {}, type: 'object' } },
    execute: async () => {
      shell.activateById(ClustersPanel.ID);
      await model.create(context.choice());
    },
    icon: args => (args.isPalette ? undefined : clustersIcon),
    isEnabled: isHere,
    label: trans.__('New Dask Cluster')
  });
  commands.addCommand(CommandIDs.insertCode, {
    caption: trans.__('Connect the notebook to a Dask cluster'),
    describedBy: NAME,
    execute: args => {
      const cluster = running(args.name);
      if (cluster) {
        context.insert(cluster.name);
      }
    },
    isEnabled: args => running(args.name) !== undefined,
    label: trans.__('Insert Code for the Dask Cluster')
  });
  commands.addCommand(CommandIDs.stopCluster, {
    describedBy: NAME,
    execute: async args => {
      const cluster = ending(args.name);
      if (cluster) {
        await context.stop(cluster);
      }
    },
    isEnabled: args => ending(args.name) !== undefined,
    label: trans.__('Stop the Dask Cluster')
  });
  for (const command of Object.values(CommandIDs)) {
    palette?.addItem({
      args: { isPalette: true },
      category: trans.__('Sandlot'),
      command
    });
  }
  model.changed.connect(() => {
    commands.notifyCommandChanged();
  });
}

function find(
  context: IClustersContext,
  name: unknown,
  fits: (cluster: PageCluster) => boolean
): PageCluster | undefined {
  return context.model.list?.value.clusters.find(
    cluster => (name === undefined || cluster.name === name) && fits(cluster)
  );
}
