/** The code that connects a notebook to a cluster, and the way into a notebook. */
import type { Widget } from '@lumino/widgets';

/**
 * Two lines of Python: after them, what is computed with Dask is computed by the cluster.
 */
export function connectCode(name: string): string {
  return [
    `from dask_gateway import Gateway; cluster = Gateway().connect("${name}")`,
    'client = cluster.get_client()'
  ].join('\n');
}

/**
 * What is used of a notebook. Its package would be the largest that we build with.
 */
interface INotebookPanel extends Widget {
  readonly content: {
    activeCellIndex: number;
    readonly model: {
      readonly sharedModel: {
        insertCell(index: number, cell: object): unknown;
      };
      readonly readOnly: boolean;
    } | null;
  };
}

/**
 * Put code into a cell of its own below the active one, and make that the active one.
 *
 * @returns whether there was a notebook to put it into
 */
export function insertBelow(widget: Widget | null, code: string): boolean {
  if (!isNotebookPanel(widget)) {
    return false;
  }
  const { content } = widget;
  if (!content.model || content.model.readOnly) {
    return false;
  }
  const index = content.activeCellIndex + 1;
  content.model.sharedModel.insertCell(index, codeCell(code));
  content.activeCellIndex = index;
  return true;
}

/**
 * A code cell as notebooks hold it.
 */
export function codeCell(source: string): object {
  return {
    cell_type: 'code',
    execution_count: null,
    metadata: { trusted: true },
    outputs: [],
    source
  };
}

function isNotebookPanel(widget: Widget | null): widget is INotebookPanel {
  return widget?.hasClass('jp-NotebookPanel') ?? false;
}
