/** The layout of panes that the extension of Dask for JupyterLab has, where it is installed. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';

import { dashboardUrl } from './api';
import type { IPeople } from './people';

const TELL_ADDRESS = 'dask:populate-dashboard-url';
const OPEN_LAYOUT = 'dask:launch-layout';

/**
 * That extension asks the dashboard for its plots before it can open them. That it has them shows
 * in the command being enabled, and nowhere else. It asks again every few seconds.
 */
const FOUND_MS = 15_000;
const LOOK_MS = 100;

/**
 * Opens that layout on clusters.
 */
export class DaskLayout {
  constructor(options: DaskLayout.IOptions) {
    this._app = options.app;
    this._people = options.people;
    this._trans = options.trans;
  }

  /**
   * Whether the extension of Dask is there.
   */
  get isThere(): boolean {
    const { commands } = this._app;
    return (
      commands.hasCommand(TELL_ADDRESS) && commands.hasCommand(OPEN_LAYOUT)
    );
  }

  /**
   * Open the layout on the dashboard of a cluster; panes that are open change to it.
   */
  async open(name: string): Promise<void> {
    const { commands, serviceManager } = this._app;
    const url = dashboardUrl(name, '', serviceManager.serverSettings);
    await commands.execute(TELL_ADDRESS, { url });
    for (let waited = 0; waited < FOUND_MS; waited += LOOK_MS) {
      if (commands.isEnabled(OPEN_LAYOUT)) {
        await commands.execute(OPEN_LAYOUT);
        return;
      }
      await new Promise(resolve => setTimeout(resolve, LOOK_MS));
    }
    this._people.tell(
      this._trans.__(
        'The JupyterLab extension of Dask does not find the dashboard of this cluster. Next: try again in a moment, or open plots by their buttons.'
      )
    );
  }

  private readonly _app: DaskLayout.IOptions['app'];
  private readonly _people: DaskLayout.IOptions['people'];
  private readonly _trans: TranslationBundle;
}

export namespace DaskLayout {
  export interface IOptions {
    app: Pick<JupyterFrontEnd, 'commands' | 'serviceManager'>;
    people: Pick<IPeople, 'tell'>;
    trans: TranslationBundle;
  }
}
