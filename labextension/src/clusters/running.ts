/** Clusters among what JupyterLab shows as running. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IRunningSessions } from '@jupyterlab/running';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { PageCluster } from '../wire';
import { CommandIDs } from './commands';
import { clustersIcon } from './icon';
import { shortName, statusText, workersText } from './texts';
import type { IClustersModel } from './tokens';

/**
 * The section of the clusters. To stop one there asks as the panel does.
 */
export function runningClusters(options: {
  commands: JupyterFrontEnd['commands'];
  model: IClustersModel;
  trans: TranslationBundle;
}): IRunningSessions.IManager {
  const { commands, model, trans } = options;
  const clusters = () =>
    (model.list?.value.clusters ?? []).filter(
      ({ status }) => status === 'PENDING' || status === 'RUNNING'
    );
  const item = (cluster: PageCluster): IRunningSessions.IRunningItem => ({
    detail: () => workersText(cluster, model.wanted(cluster), trans),
    icon: () => clustersIcon,
    label: () =>
      `${shortName(cluster.name)} · ${statusText(cluster.status, trans)}`,
    labelTitle: () => cluster.name,
    open: () => {
      void commands.execute(CommandIDs.showClusters);
    },
    shutdown: () => {
      void commands.execute(CommandIDs.stopCluster, { name: cluster.name });
    }
  });
  return {
    name: trans.__('Dask clusters'),
    refreshRunning: () => {
      void model.refresh();
    },
    running: () => clusters().map(item),
    runningChanged: model.changed,
    shutdownAll: () => {
      for (const { name } of clusters()) {
        void model.stop(name);
      }
    },
    shutdownAllConfirmationText: trans.__(
      'All your clusters end, and with them what they compute now and what they hold in memory. Files stay.'
    ),
    shutdownAllLabel: trans.__('Stop all clusters'),
    shutdownLabel: trans.__('Stop cluster')
  };
}
