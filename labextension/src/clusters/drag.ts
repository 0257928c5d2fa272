/** Dragging a cluster into a notebook. */
import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';

import { codeCell } from './code';

const CELLS = 'application/vnd.jupyter.cells';
const THRESHOLD_PX = 5;

/**
 * Follow the pointer from here: a drag once it has moved, a click otherwise.
 *
 * @param code - what is dropped: between two cells a cell of its own, in a text the text
 */
export function startDrag(press: PointerEvent, code: string): void {
  const { clientX, clientY } = press;
  const ending = new AbortController();
  const { signal } = ending;
  const end = () => {
    ending.abort();
  };
  const follow = (event: PointerEvent) => {
    const moved = Math.hypot(event.clientX - clientX, event.clientY - clientY);
    if (moved < THRESHOLD_PX) {
      return;
    }
    end();
    const drag = newDrag(code);
    void drag.start(event.clientX, event.clientY).finally(() => {
      drag.dispose();
    });
  };
  document.addEventListener('pointermove', follow, { signal });
  document.addEventListener('pointerup', end, { signal });
  document.addEventListener('pointercancel', end, { signal });
}

function newDrag(code: string): Drag {
  const mimeData = new MimeData();
  mimeData.setData(CELLS, [codeCell(code)]);
  mimeData.setData('text/plain', code);
  const dragImage = document.createElement('pre');
  dragImage.className = 'jp-sandlot-DragImage';
  dragImage.textContent = code;
  return new Drag({
    dragImage,
    mimeData,
    proposedAction: 'copy',
    supportedActions: 'copy'
  });
}
