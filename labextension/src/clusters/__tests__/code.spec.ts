import { Widget } from '@lumino/widgets';

import { connectCode, insertBelow } from '../code';

function notebook(options: { active?: number; readOnly?: boolean } = {}) {
  const cells: { source: string }[] = [{ source: 'one' }, { source: 'two' }];
  const content = {
    activeCellIndex: options.active ?? 0,
    model: {
      readOnly: options.readOnly ?? false,
      sharedModel: {
        insertCell: (index: number, cell: { source: string }) => {
          cells.splice(index, 0, cell);
        }
      }
    }
  };
  const widget = Object.assign(new Widget(), { content });
  widget.addClass('jp-NotebookPanel');
  return { cells, content, widget };
}

describe('connectCode', () => {
  it('is two lines that name the cluster', () => {
    const lines = connectCode('a1b2').split('\n');

    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('Gateway().connect("a1b2")');
    expect(lines[1]).toBe('client = cluster.get_client()');
  });
});

describe('insertBelow', () => {
  it.each([0, 1])('makes a cell below cell %i, and goes there', active => {
    const { cells, content, widget } = notebook({ active });

    expect(insertBelow(widget, 'code')).toBe(true);
    expect(cells[active + 1]).toMatchObject({
      cell_type: 'code',
      source: 'code'
    });
    expect(cells).toHaveLength(3);
    expect(content.activeCellIndex).toBe(active + 1);
  });

  it('leaves alone what cannot be changed, and what is no notebook', () => {
    const { cells, widget } = notebook({ readOnly: true });

    expect(insertBelow(widget, 'code')).toBe(false);
    expect(insertBelow(new Widget(), 'code')).toBe(false);
    expect(insertBelow(null, 'code')).toBe(false);
    expect(cells).toHaveLength(2);
  });
});
