import {
  leaveNotice,
  takeNotice
} from '../../../../../hub_ext/sandlot_hub/spawner/static/notice.js';

describe('a notice for the next page', () => {
  it('is taken once', () => {
    leaveNotice('Cancelled.');
    expect(takeNotice()).toBe('Cancelled.');
    expect(takeNotice()).toBeNull();
  });

  it('is lost where the browser stores nothing', () => {
    const forbidden = jest
      .spyOn(Storage.prototype, 'setItem')
      .mockImplementation(() => {
        throw new DOMException('no', 'SecurityError');
      });
    leaveNotice('Cancelled.');
    forbidden.mockRestore();
    expect(takeNotice()).toBeNull();
  });
});
