/** JupyterLab's ways to tell people something, and to ask them. */
import {
  Clipboard,
  Dialog,
  Notification,
  showDialog
} from '@jupyterlab/apputils';

const SHORTLY_MS = 5000;

/**
 * A question about something that cannot be undone.
 */
export interface IQuestion {
  readonly title: string;
  readonly body: string;
  readonly yes: string;
  readonly no: string;
}

export interface IPeople {
  /**
   * Whether they allow it. Enter and Escape say no.
   */
  allow(question: IQuestion): Promise<boolean>;

  /**
   * Put a text into their clipboard.
   */
  giveText(text: string): void;

  /**
   * Say something that goes away by itself.
   */
  tell(message: string): void;
}

export const people: IPeople = {
  allow: async ({ body, no, title, yes }) => {
    const result = await showDialog({
      body,
      buttons: [
        Dialog.cancelButton({ label: no }),
        Dialog.warnButton({ label: yes })
      ],
      defaultButton: 0,
      title
    });
    return result.button.accept;
  },
  giveText: text => {
    Clipboard.copyToSystem(text);
  },
  tell: message => {
    Notification.info(message, { autoClose: SHORTLY_MS });
  }
};
