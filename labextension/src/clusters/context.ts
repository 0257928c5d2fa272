import type { TranslationBundle } from '@jupyterlab/translation';

import type { PageCluster } from '../wire';
import type { IClustersApi } from './api';
import type { IPlot } from './panes';
import type { IClusterChoice, IClustersModel } from './tokens';

/**
 * What the views of clusters are given: what they show, and what people can do there.
 */
export interface IClustersContext {
  readonly api: Pick<
    IClustersApi,
    'availability' | 'log' | 'options' | 'plots'
  >;
  readonly model: IClustersModel;
  readonly panes: {
    readonly hasLayout: boolean;
    openLayout(name: string): Promise<void>;
    open(name: string, plot: IPlot): void;
  };
  readonly trans: TranslationBundle;

  /**
   * The slug of the image of this server; empty when it is not known.
   */
  serverImage(): string;

  /**
   * What was chosen last.
   */
  choice(): IClusterChoice;

  /**
   * Keep a choice for the next time.
   */
  remember(choice: IClusterChoice): void;

  /**
   * Put the code that connects to a cluster into the notebook.
   */
  insert(name: string): void;

  /**
   * Put that code into the clipboard.
   */
  copy(name: string): void;

  /**
   * Begin to drag that code.
   */
  drag(press: PointerEvent, name: string): void;

  /**
   * End a cluster; asks before, if something is lost, and waits a moment, if nothing is.
   */
  stop(cluster: PageCluster): Promise<void>;

  /**
   * Keep a cluster that was to end in a moment.
   */
  keep(name: string): void;
}

export interface IContextProps {
  context: IClustersContext;
}

export interface IClusterProps extends IContextProps {
  cluster: PageCluster;
}
