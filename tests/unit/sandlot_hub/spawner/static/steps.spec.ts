import {
  noteEvent,
  showStep,
  showTimes,
  type StartEvent
} from '../../../../../hub_ext/sandlot_hub/spawner/static/steps.js';
import table from './steps.json';

function find(id: string): Element {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(id);
  }
  return found;
}

function list(
  known = { allowed: 'allowed?', process: 'process?', answer: 'answer?' }
): Element {
  const items = Object.entries(known).map(
    ([step, text]) =>
      `<li data-step="${step}" data-state="waiting"><span class="sandlot-mark">○</span>` +
      `<span><span class="sandlot-word">Later: </span><span class="sandlot-text">${text}</span></span>` +
      '<span class="sandlot-took"></span></li>'
  );
  document.body.innerHTML = `<ol id="steps">${items.join('')}</ol><ol id="log"></ol>`;
  return find('steps');
}

function shown(steps: Element): string[] {
  return [...steps.children].map(item => item.textContent);
}

function times(steps: Element): (string | null)[] {
  return [...steps.querySelectorAll('.sandlot-took')].map(
    each => each.textContent
  );
}

const KNOWN = { allowed: 'Checking', place: 'Waiting', answer: 'Starting' };

function moment(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}

describe('steps as they stand', () => {
  it.each(table)('$id', ({ told, shown: expected }) => {
    const steps = list(KNOWN as never);
    for (const event of told) {
      showStep(steps, event as StartEvent);
    }
    const stand = [...steps.querySelectorAll('li')].map(item => ({
      began: moment(item.dataset.began),
      ended: moment(item.dataset.ended),
      state: item.dataset.state,
      step: item.dataset.step,
      text: item.querySelector('.sandlot-text')?.textContent
    }));
    expect(stand).toEqual(expected);
  });
});

describe('steps', () => {
  it('are done before the one that is told of', () => {
    const steps = list();
    showStep(steps, { message: 'Starting…', state: 'now', step: 'process' });
    expect(shown(steps)).toEqual([
      '✓Done: allowed?',
      '◐Now: Starting…',
      '○Later: answer?'
    ]);
  });

  it('show a failure in the place of the step', () => {
    const steps = list();
    showStep(steps, { message: 'It ended.', state: 'failed', step: 'answer' });
    expect(shown(steps)[2]).toBe('✕Failed: It ended.');
  });

  it('grow by one that is not known, and show its text as text', () => {
    const steps = list();
    showStep(steps, { message: '<b>Place</b>', state: 'now', step: 'place' });
    expect(shown(steps)[3]).toBe('◐Now: <b>Place</b>');
    expect(steps.querySelector('b')).toBeNull();
  });

  it('do not change by what names none', () => {
    const steps = list();
    const before = steps.innerHTML;
    showStep(steps, { message: 'Server requested', progress: 0 });
    expect(steps.innerHTML).toBe(before);
  });

  it('say how long they took, from a second on, and how long the present one lasts', () => {
    const steps = list();
    const done = { message: 'Done.', state: 'done' } as const;
    showStep(steps, { ...done, seconds: 0, step: 'allowed' });
    showStep(steps, {
      message: '…',
      seconds: 0.5,
      state: 'now',
      step: 'process'
    });
    showTimes(steps, 1.4);
    expect(times(steps)).toEqual(['', '', '']);
    showTimes(steps, 72.5);
    expect(times(steps)).toEqual(['', '1 min 12 s', '']);
    showStep(steps, { ...done, seconds: 75.6, step: 'process' });
    showTimes(steps, 300);
    expect(times(steps)).toEqual(['', '1 min 15 s', '']);
    showStep(steps, {
      message: 'No.',
      seconds: 301,
      state: 'failed',
      step: 'answer'
    });
    showTimes(steps, 400);
    expect(times(steps)).toEqual(['', '1 min 15 s', '']);
  });

  it('are written only where they differ', () => {
    const steps = list();
    const event = {
      message: 'Starting…',
      state: 'now',
      step: 'process'
    } as const;
    showStep(steps, event);
    const node = steps.querySelectorAll('.sandlot-text')[1]?.firstChild;
    showStep(steps, event);
    expect(steps.querySelectorAll('.sandlot-text')[1]?.firstChild).toBe(node);
  });
});

describe('details', () => {
  it('are newest first, with times and the lines of a log', () => {
    list();
    const log = find('log');
    noteEvent(log, { message: 'Server requested' });
    noteEvent(log, {
      details: ['a', 'b'],
      message: 'It ended.',
      seconds: 3.44
    });
    noteEvent(log, { progress: 80 });
    expect(shown(log)).toEqual(['3.4 sIt ended.\na\nb', 'Server requested']);
    noteEvent(log, { message: 'Later.', seconds: 64.9 });
    expect(shown(log)[0]).toBe('1 min 4 sLater.');
  });
});
