/**
 * Sandlot in JupyterLab and Jupyter Notebook: the list of its plugins.
 *
 * A feature is a folder: `index.ts` (its plugins), `tokens.ts` (what others may use),
 * model, views, api. Features import `shared/` and each other's `tokens.ts`, nothing else.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { clustersPlugins } from './clusters';
import { statusPlugins } from './status';

export * from './clusters/tokens';
export * from './status/tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  ...statusPlugins,
  ...clustersPlugins
];

export default plugins;
