/** What people do with clusters beyond the list. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { PageCluster } from '../wire';
import { connectCode, insertBelow } from './code';
import type { IPeople } from './people';
import { startDrag } from './drag';
import { lossText, shortName } from './texts';
import type { IClustersModel } from './tokens';

/**
 * How long somebody may think better of it.
 */
const UNDO_MS = 6000;

/**
 * The part of the views' context that acts on JupyterLab.
 */
export class ClusterActions {
  constructor(options: ClusterActions.IOptions) {
    this._model = options.model;
    this._people = options.people;
    this._shell = options.shell;
    this._trans = options.trans;
  }

  insert(name: string): void {
    const { currentWidget } = this._shell;
    if (currentWidget && insertBelow(currentWidget, connectCode(name))) {
      // Shift+Enter is what comes next.
      this._shell.activateById(currentWidget.id);
      return;
    }
    this._people.tell(
      this._trans.__(
        'No notebook is in front that the code could go into. Next: open one, or copy the code.'
      )
    );
  }

  copy(name: string): void {
    this._people.giveText(connectCode(name));
    this._people.tell(this._trans.__('The code is in the clipboard.'));
  }

  drag(press: PointerEvent, name: string): void {
    if (press.button === 0) {
      startDrag(press, connectCode(name));
    }
  }

  async stop(cluster: PageCluster): Promise<void> {
    const trans = this._trans;
    const loss = lossText(cluster, trans);
    const question = {
      body: loss,
      no: trans.__('Keep cluster'),
      title: trans.__('Stop cluster %1?', shortName(cluster.name)),
      yes: trans.__('Stop cluster')
    };
    if (!loss) {
      this._stopSoon(cluster.name);
    } else if (await this._people.allow(question)) {
      await this._model.stop(cluster.name);
    }
  }

  /**
   * Keep a cluster that was stopped a moment ago.
   */
  keep(name: string): void {
    clearTimeout(this._ending.get(name));
    this._ending.delete(name);
    this._model.stay(name);
  }

  /**
   * Nobody will think better of it any more: the page goes.
   */
  finish(): void {
    for (const [name, timer] of this._ending) {
      clearTimeout(timer);
      void this._model.stop(name);
    }
    this._ending.clear();
  }

  /**
   * Where nothing is lost nobody is asked; but they can undo it.
   */
  private _stopSoon(name: string): void {
    if (this._ending.has(name)) {
      return;
    }
    this._model.leave(name);
    const end = () => {
      this._ending.delete(name);
      void this._model.stop(name);
    };
    this._ending.set(name, setTimeout(end, UNDO_MS));
  }

  private readonly _ending = new Map<string, ReturnType<typeof setTimeout>>();

  private readonly _model: IClustersModel;
  private readonly _people: IPeople;
  private readonly _shell: ClusterActions.IOptions['shell'];
  private readonly _trans: TranslationBundle;
}

export namespace ClusterActions {
  export interface IOptions {
    model: IClustersModel;
    people: IPeople;
    shell: Pick<JupyterFrontEnd.IShell, 'activateById' | 'currentWidget'>;
    trans: TranslationBundle;
  }
}
