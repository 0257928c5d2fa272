/** The choice of the last new cluster, kept in the settings of the person. */
import type { ISettingRegistry } from '@jupyterlab/settingregistry';

import { FIRST_CHOICE, flattenChoice, parseChoice } from './choice';
import type { IClusterChoice } from './tokens';

const KEY = 'newCluster';

/**
 * Remembers in this page, and beyond it once the settings are there.
 */
export class ChoiceMemory {
  get choice(): IClusterChoice {
    return this._choice;
  }

  remember(choice: IClusterChoice): void {
    this._choice = choice;
    // What cannot be kept for the next time is kept for this page all the same.
    this._settings?.set(KEY, flattenChoice(choice)).catch(console.warn);
  }

  /**
   * Follow the settings from now on.
   */
  follow(settings: ISettingRegistry.ISettings): void {
    this._settings = settings;
    const read = () => {
      this._choice = parseChoice(settings.get(KEY).composite);
    };
    settings.changed.connect(read);
    read();
  }

  private _choice = FIRST_CHOICE;
  private _settings: ISettingRegistry.ISettings | null = null;
}
