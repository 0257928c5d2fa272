import {
  isImpossible,
  settleOne
} from '../../../../../hub_ext/sandlot_hub/spawner/static/selection.js';
import { byId, page, radio } from './fixture';

const GPU = { image: 'torch', profile: 'gpu', size: 'large' };

function turnOff(id: string) {
  const box = byId(id).closest<HTMLElement>('.sandlot-choice');
  if (box) box.dataset.state = 'full';
}

describe('Selection', () => {
  it('reads what is chosen', () => {
    const { selection } = page();
    expect(selection.choice).toEqual({
      image: 'base',
      profile: 'cpu',
      size: 'small'
    });
    expect(selection.title).toBe('The cpu · The base · The small');
  });

  it('chooses what a link names', () => {
    const { selection } = page();
    const { changed, problems } = selection.fill(GPU);

    expect(problems).toEqual([]);
    expect(selection.choice).toEqual(GPU);
    expect(changed).toBe(radio('sandlot-size--gpu--large'));
  });

  it('writes a reference that a link names', () => {
    const { selection } = page();
    selection.fill({ profile: 'gpu', reference: 'quay.io/a', size: 'large' });

    expect(selection.choice).toEqual({
      profile: 'gpu',
      reference: 'quay.io/a',
      size: 'large'
    });
  });

  it.each([
    [{ ...GPU, profile: 'x' }, 'There is no profile “x” for you'],
    [{ ...GPU, image: 'x' }, '“The gpu” has no image “x”.'],
    [{ size: '<b>' }, '“The cpu” has no size “<b>”.']
  ])('says what of a link is not there', (choice, sentence) => {
    const { selection } = page();
    const { problems } = selection.fill(choice);

    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(sentence);
  });

  it('fills in the rest of a link of which something is not there', () => {
    const { selection } = page();
    selection.fill({ ...GPU, image: 'x' });

    expect(selection.choice).toEqual({ ...GPU, image: 'base' });
  });

  it('keeps what became impossible while it is chosen, and lets go of it then', () => {
    const { selection } = page();
    const small = radio('sandlot-size--cpu--small');
    turnOff(small.id);
    selection.settle();
    expect([small.checked, small.disabled]).toEqual([true, false]);

    radio('sandlot-size--cpu--large').checked = true;
    selection.settle();
    expect([small.checked, small.disabled]).toEqual([false, true]);
  });

  it('chooses something that can be started where nothing is chosen', () => {
    const { selection } = page();
    const [small, large] = ['small', 'large'].map(slug =>
      radio(`sandlot-size--cpu--${slug}`)
    );
    if (small) small.checked = false;
    turnOff('sandlot-size--cpu--small');
    selection.settle();

    expect(large?.checked).toBe(true);
  });

  it('never switches off what has the focus', () => {
    page();
    const large = radio('sandlot-size--cpu--large');
    large.focus();
    turnOff(large.id);
    settleOne(large);

    expect(isImpossible(large)).toBe(true);
    expect(large.disabled).toBe(false);
  });
});
