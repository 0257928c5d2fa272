/** Plots of a dashboard as panes of JupyterLab. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import { IFrame } from '@jupyterlab/ui-components';

import { dashboardUrl } from './api';
import { clustersIcon } from './icon';
import type { DaskLayout } from './layout';

/**
 * One plot: what it is called, and where it is below the dashboard.
 */
export interface IPlot {
  readonly label: string;
  readonly route: string;
}

/**
 * Opens plots, beside what is open.
 */
export class Panes {
  constructor(app: JupyterFrontEnd, layout: DaskLayout) {
    this._app = app;
    this._layout = layout;
  }

  /**
   * Whether there is a layout of many panes.
   */
  get hasLayout(): boolean {
    return this._layout.isThere;
  }

  /**
   * Open that layout on the dashboard of a cluster.
   */
  async openLayout(name: string): Promise<void> {
    await this._layout.open(name);
  }

  /**
   * Open one plot; one that is open comes to the front.
   */
  open(name: string, plot: IPlot): void {
    const { shell } = this._app;
    const id = `sandlot-plot-${name}-${plot.route.replace(/\W+/g, '-')}`;
    const known = this._open.get(id);
    if (!known || known.isDisposed) {
      const pane = this._newPane(name, plot);
      pane.id = id;
      this._open.set(id, pane);
      pane.disposed.connect(() => {
        this._open.delete(id);
      });
      // Beside the notebook that computes, so that both can be seen.
      shell.add(pane, 'main', { mode: 'split-right' });
    }
    shell.activateById(id);
  }

  private _newPane(name: string, plot: IPlot): MainAreaWidget<IFrame> {
    // Scripts alone would be an origin that browsers send no login for.
    const content = new IFrame({
      sandbox: ['allow-scripts', 'allow-same-origin']
    });
    const { serverSettings } = this._app.serviceManager;
    content.url = dashboardUrl(name, plot.route, serverSettings);
    content.node.querySelector('iframe')?.setAttribute('title', plot.label);
    const pane = new MainAreaWidget({ content });
    pane.title.label = plot.label;
    pane.title.caption = `${plot.label}: ${name}`;
    pane.title.closable = true;
    pane.title.icon = clustersIcon;
    return pane;
  }

  private readonly _app: JupyterFrontEnd;
  private readonly _layout: DaskLayout;
  private readonly _open = new Map<string, MainAreaWidget<IFrame>>();
}
