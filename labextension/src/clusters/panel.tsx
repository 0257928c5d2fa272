import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';

import type { IClustersContext } from './context';
import { clustersIcon } from './icon';
import { ClustersView } from './view';

/**
 * The clusters in the sidebar.
 */
export class ClustersPanel extends ReactWidget {
  constructor(context: IClustersContext) {
    super();
    this._context = context;
    const { trans } = context;
    this.id = ClustersPanel.ID;
    this.addClass('jp-sandlot-ClustersPanel');
    this.title.icon = clustersIcon;
    this.title.caption = trans.__('Dask clusters');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Dask clusters'));
  }

  protected override render(): React.JSX.Element {
    return <ClustersView context={this._context} />;
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    // Nothing was asked while it was hidden.
    void this._context.model.refresh();
  }

  private readonly _context: IClustersContext;
}

export namespace ClustersPanel {
  export const ID = 'sandlot-clusters';
}
