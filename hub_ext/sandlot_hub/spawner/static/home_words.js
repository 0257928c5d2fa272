/** What the home page says before, while and after it does something to a server. */

/** @typedef {'stop' | 'cancel' | 'delete'} Action */

/**
 * @typedef {object} Words
 * @property {((title: string) => string) | null} ask Null: nothing is lost, so nothing is asked.
 * @property {string} lost What the answer costs.
 * @property {string} no
 * @property {string} yes
 * @property {(title: string) => string} doing
 * @property {(title: string) => string} done
 */

/** @type {Record<Action, Words>} */
export const WORDS = {
  cancel: {
    ask: null,
    doing: title => `Cancelling the start of ${title}…`,
    done: title => `Cancelled. Nothing of ${title} is running.`,
    lost: '',
    no: '',
    yes: ''
  },
  delete: {
    ask: title => `Delete ${title}?`,
    doing: title => `Deleting ${title}…`,
    done: title => `${title} is deleted.`,
    lost: 'It goes away from this list, and its last choice is forgotten. The files in your home stay.',
    no: 'Keep it',
    yes: 'Delete server'
  },
  stop: {
    ask: title => `Stop ${title}?`,
    doing: title => `Stopping ${title}…`,
    done: title => `${title} is stopped.`,
    lost: 'Everything that runs in it ends: kernels with their variables, terminals, computations. Files that are saved stay.',
    no: 'Keep it running',
    yes: 'Stop server'
  }
};
