import { nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { ClusterActions } from '../actions';
import type { IQuestion } from '../people';
import { cluster, pending, setup } from './fixtures';

function acting(options: { allow?: boolean; widget?: Widget } = {}) {
  const { model, server } = setup();
  const asked: IQuestion[] = [];
  const told: string[] = [];
  const went: string[] = [];
  const actions = new ClusterActions({
    model,
    people: {
      allow: question => {
        asked.push(question);
        return Promise.resolve(options.allow ?? false);
      },
      giveText: text => {
        told.push(text);
      },
      tell: message => {
        told.push(message);
      }
    },
    shell: {
      activateById: id => {
        went.push(id);
      },
      currentWidget: options.widget ?? null
    },
    trans: nullTranslator.load('sandlot')
  });
  return { actions, asked, model, server, told, went };
}

describe('ClusterActions.stop', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('asks nobody when nothing is lost, and ends it a moment later', async () => {
    const { actions, asked, model, server } = acting();
    await actions.stop(pending('a'));
    expect([asked, server.ordered]).toEqual([[], []]);
    expect(model.leaving('a')).toBe(true);

    await jest.advanceTimersByTimeAsync(6000);
    expect(server.ordered).toEqual(['stop a']);
    expect(model.leaving('a')).toBe(false);
  });

  it('can be undone until then', async () => {
    const { actions, model, server } = acting();
    await actions.stop(pending('a'));
    await actions.stop(pending('a'));
    actions.keep('a');
    await jest.advanceTimersByTimeAsync(60_000);

    expect(model.leaving('a')).toBe(false);
    expect(server.ordered).toEqual([]);
  });

  it('does not wait for a page that goes', async () => {
    const { actions, server } = acting();
    await actions.stop(pending('a'));
    actions.finish();
    await jest.advanceTimersByTimeAsync(60_000);

    expect(server.ordered).toEqual(['stop a']);
  });

  it.each([
    [false, []],
    [true, ['stop training']]
  ])(
    'names what is lost, and does what is answered: %s',
    async (allow, done) => {
      const { actions, asked, server } = acting({ allow });
      await actions.stop(cluster());

      expect(asked[0]?.title).toBe('Stop cluster training?');
      expect(asked[0]?.body).toContain('Its 2 workers end');
      expect(server.ordered).toEqual(done);
    }
  );
});

describe('ClusterActions.insert', () => {
  it('says what to do when there is no notebook', () => {
    const { actions, told, went } = acting({ widget: new Widget() });
    actions.insert('training');

    expect(told[0]).toContain('Next: open one, or copy the code.');
    expect(went).toEqual([]);
  });

  it('goes to the notebook that it put the code into', () => {
    const insertCell = jest.fn();
    const model = { readOnly: false, sharedModel: { insertCell } };
    const content = { activeCellIndex: 0, model };
    const widget = Object.assign(new Widget(), { content });
    widget.addClass('jp-NotebookPanel');
    widget.id = 'notebook';
    const { actions, told, went } = acting({ widget });
    actions.insert('training');

    expect(insertCell).toHaveBeenCalledTimes(1);
    expect([told, went]).toEqual([[], ['notebook']]);
  });
});

describe('ClusterActions.copy', () => {
  it('gives the code', () => {
    const { actions, told } = acting();
    actions.copy('training');

    expect(told[0]).toContain('Gateway().connect("training")');
  });
});
