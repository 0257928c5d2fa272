import {
  noteEvent,
  showStep
} from '../../../../../hub_ext/sandlot_hub/spawner/static/steps.js';

function find(id: string): Element {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(id);
  }
  return found;
}

function list(): Element {
  const items = ['allowed', 'process', 'answer'].map(
    step =>
      `<li data-step="${step}" data-state="waiting"><span class="sandlot-mark">○</span>` +
      `<span><span class="sandlot-word">Later: </span><span class="sandlot-text">${step}?</span></span></li>`
  );
  document.body.innerHTML = `<ol id="steps">${items.join('')}</ol><ol id="log"></ol>`;
  return find('steps');
}

function shown(steps: Element): string[] {
  return [...steps.children].map(item => item.textContent);
}

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
  });
});
