import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';

import { FIRST_CHOICE } from '../choice';
import { ChoiceMemory } from '../memory';

function settingsOf(newCluster: object | undefined, kept = Promise.resolve()) {
  const sender = {};
  const changed = new Signal<object, void>(sender);
  const written: unknown[] = [];
  const values: { newCluster: object | undefined } = { newCluster };
  const settings = {
    changed,
    get: () => ({ composite: values.newCluster }),
    set: (_: string, value: unknown) => {
      written.push(value);
      return kept;
    }
  } as unknown as ISettingRegistry.ISettings;
  return { changed, settings, values, written };
}

describe('ChoiceMemory', () => {
  it('knows the first choice before anybody chose', () => {
    expect(new ChoiceMemory().choice).toEqual(FIRST_CHOICE);
  });

  it('reads the settings, and follows them', () => {
    const { changed, settings, values } = settingsOf({ workers: 5 });
    const memory = new ChoiceMemory();
    memory.follow(settings);
    expect(memory.choice.workers).toBe(5);

    values.newCluster = { workers: 6 };
    changed.emit();
    expect(memory.choice.workers).toBe(6);
  });

  it('keeps a choice for the next time', () => {
    const { settings, written } = settingsOf(undefined);
    const memory = new ChoiceMemory();
    memory.follow(settings);
    memory.remember({ ...FIRST_CHOICE, workers: 7 });

    expect(written).toEqual([
      { adaptive: false, image: '', workers: 7, workerSize: '' }
    ]);
  });

  it('keeps it for this page when it can be kept nowhere', async () => {
    const said = jest.spyOn(console, 'warn').mockReturnValue();
    const lost = Promise.reject(new Error('read-only'));
    const memory = new ChoiceMemory();
    memory.follow(settingsOf(undefined, lost).settings);
    memory.remember({ ...FIRST_CHOICE, workers: 7 });
    await Promise.resolve();
    await Promise.resolve();

    expect(memory.choice.workers).toBe(7);
    expect(said).toHaveBeenCalledTimes(1);
    said.mockRestore();
  });
});
