import { Gate } from '../../../../../hub_ext/sandlot_hub/spawner/static/gate.js';
import { Instead } from '../../../../../hub_ext/sandlot_hub/spawner/static/instead.js';
import { Pairs } from '../../../../../hub_ext/sandlot_hub/spawner/static/pairs.js';
import { View } from '../../../../../hub_ext/sandlot_hub/spawner/static/view.js';
import { byId, FULL, offers, page, profile, size } from './fixture';

function gated() {
  const { form, selection } = page();
  const gate = new Gate({
    fitting: byId('sandlot-fitting'),
    form,
    instead: new Instead(selection),
    pairs: new Pairs(selection),
    reason: byId('sandlot-blocked'),
    selection,
    status: byId('sandlot-starting')
  });
  gate.update();
  const send = () => {
    const event = new Event('submit', { cancelable: true });
    form.dispatchEvent(event);
    return !event.defaultPrevented;
  };
  const view = new View(selection);
  byId('sandlot-blocked').scrollIntoView = () => undefined;
  return { gate, send, view };
}

const disabled = () => byId('sandlot-start').getAttribute('aria-disabled');

describe('Gate', () => {
  it('lets a choice start, once', () => {
    const { gate, send } = gated();
    expect(send()).toBe(true);
    expect(byId('sandlot-starting').textContent).toBe('Starting…');
    expect(send()).toBe(false);

    gate.reopen();
    expect(send()).toBe(true);
  });

  it('is closed while the choice is impossible, with the reason beside it', () => {
    const { gate, send, view } = gated();
    view.apply(offers([profile('cpu', [size('small', FULL)])]));
    gate.update();
    expect(disabled()).toBe('true');
    expect(byId('sandlot-start').nextElementSibling?.textContent).toBe(
      FULL.reason.message
    );
    expect(send()).toBe(false);

    view.apply(offers([profile('cpu', [size('small')])]));
    gate.update();
    expect(disabled()).toBeNull();
    expect(byId('sandlot-blocked').hidden).toBe(true);
    expect(send()).toBe(true);
  });

  it('offers the nearest of what goes together', () => {
    const { gate, send } = gated();
    const small = byId('sandlot-size--cpu--small');
    small.dataset.sandlotWithout = 'base';
    gate.update();
    expect(byId('sandlot-blocked').textContent).toContain('does not work with');
    expect(byId('sandlot-fitting').hidden).toBe(false);
    const link = byId('sandlot-fitting').querySelector('a');
    expect(link?.getAttribute('href')).toBe(
      '?opt-profile=cpu&opt-image=base&opt-size=large'
    );
    expect(send()).toBe(false);

    delete small.dataset.sandlotWithout;
    gate.update();
    expect(byId('sandlot-fitting').hidden).toBe(true);
    expect(send()).toBe(true);
  });

  it('is open while something is not known: the hub decides', () => {
    const { gate, view } = gated();
    view.apply(
      offers([
        profile('cpu', [size('small', { state: 'unknown', taken: null })])
      ])
    );
    gate.update();
    expect(disabled()).toBeNull();
  });

  it('does not mind what is off elsewhere', () => {
    const { gate, view } = gated();
    view.apply(
      offers([
        profile('cpu', [size('large', FULL)]),
        profile('gpu', [size('small', FULL)])
      ])
    );
    gate.update();
    expect(disabled()).toBeNull();
  });
});
