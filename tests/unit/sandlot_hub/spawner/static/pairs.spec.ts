import { Pairs } from '../../../../../hub_ext/sandlot_hub/spawner/static/pairs.js';
import { byId, page, radio } from './fixture';

const SMALL = 'sandlot-size--cpu--small';
const LARGE = 'sandlot-size--cpu--large';
const TORCH = 'sandlot-image--cpu--torch';

function paired(without: string) {
  const { selection } = page();
  radio(SMALL).dataset.sandlotWithout = without;
  const pairs = new Pairs(selection);
  const choose = (id: string) => {
    radio(id).checked = true;
    pairs.update();
  };
  return { choose, pairs };
}

const marked = (id: string) =>
  byId(`${id}--about`).querySelector('.sandlot-mismatch')?.textContent;

describe('Pairs', () => {
  it('says nothing where everything goes together', () => {
    const { choose, pairs } = paired('');
    choose(TORCH);

    expect(marked(SMALL)).toBeUndefined();
    expect(pairs.problem).toBe('');
  });

  it('marks the sizes that an image does not go with, and leaves them on', () => {
    const { choose } = paired('other torch');
    choose(TORCH);
    expect(marked(SMALL)).toBe('does not go with The torch');
    expect(marked(LARGE)).toBeUndefined();
    expect(radio(SMALL).disabled).toBe(false);
    expect(radio(SMALL).checked).toBe(true);

    choose('sandlot-image--cpu--base');
    expect(marked(SMALL)).toBeUndefined();
  });

  it.each([
    ['', 'The image “The torch” does not work with the size “The small”.'],
    [
      'accelerator',
      'The image “The torch” needs an accelerator, and the size “The small” has none.'
    ]
  ])('explains a pair as the hub does', (needs, why) => {
    const { choose, pairs } = paired('torch');
    radio(TORCH).dataset.sandlotNeeds = needs;
    choose(TORCH);

    expect(pairs.problem).toBe(`${why} Choose another size or another image.`);
  });

  it('explains a size that has an accelerator and excludes the image', () => {
    const { choose, pairs } = paired('torch');
    radio(TORCH).dataset.sandlotNeeds = 'accelerator';
    radio(SMALL).dataset.sandlotHas = 'accelerator';
    choose(TORCH);

    expect(pairs.problem).toContain('does not work with');
  });

  it('knows the sizes without images that people name', () => {
    const { choose, pairs } = paired('custom');
    choose('sandlot-image--cpu--unlisted-choice');

    expect(pairs.problem).toBe(
      'The size “The small” runs none of the images that people name themselves. Choose another size.'
    );
  });

  it('offers another size, else another image, else nothing', () => {
    const { choose, pairs } = paired('torch');
    choose(TORCH);
    expect(pairs.nearest).toEqual({
      image: 'torch',
      profile: 'cpu',
      size: 'large'
    });

    radio(LARGE).dataset.sandlotWithout = 'torch';
    expect(pairs.nearest).toEqual({
      image: 'base',
      profile: 'cpu',
      size: 'small'
    });

    radio(SMALL).dataset.sandlotWithout = 'torch base';
    expect(pairs.nearest).toBeNull();
  });
});
