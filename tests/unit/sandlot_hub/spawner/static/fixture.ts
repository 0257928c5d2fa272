import { Selection } from '../../../../../hub_ext/sandlot_hub/spawner/static/selection.js';
import type {
  Alternative,
  PageOffers,
  ProfileOffer,
  SizeOffer
} from '../../../../../labextension/src/wire';

function choice(id: string, name: string, value: string, more = '') {
  return `<div class="sandlot-choice" data-state="">
    <input type="radio" id="${id}" name="${name}" value="${value}" ${more}>
    <label for="${id}">The ${value}</label>
    <div class="sandlot-about" id="${id}--about"><div class="sandlot-facts">1 CPU</div></div>
  </div>`;
}

function group(profile: string) {
  const image = `profile-option-${profile}--image`;
  const size = `profile-option-${profile}--size`;
  return `<div class="sandlot-profile" data-sandlot-profile="${profile}" data-sandlot-name="The ${profile}">
    <fieldset id="sandlot-images--${profile}"><div class="sandlot-choices">
      ${choice(`sandlot-image--${profile}--base`, image, 'base', 'checked')}
      ${choice(`sandlot-image--${profile}--torch`, image, 'torch')}
      <div class="sandlot-choice sandlot-unlisted">
        <input type="radio" id="sandlot-image--${profile}--unlisted-choice" name="${image}" value="unlisted-choice">
        <label for="sandlot-image--${profile}--unlisted-choice">Another image…</label>
        <div class="sandlot-about"><div class="sandlot-reference">
          <input type="text" id="sandlot-reference--${profile}" name="${image}--unlisted-choice"
            data-sandlot-pattern="^quay\\.io/[a-z]+$">
          <div id="sandlot-reference--${profile}--hint">An image of quay.io.</div>
          <button type="button" class="sandlot-forget" hidden>Forget</button>
        </div></div>
      </div>
    </div></fieldset>
    <fieldset id="sandlot-sizes--${profile}"><div class="sandlot-choices">
      ${choice(`sandlot-size--${profile}--small`, size, 'small', 'checked')}
      ${choice(`sandlot-size--${profile}--large`, size, 'large')}
    </div></fieldset>
  </div>`;
}

/** A form of two profiles, as the template makes it. */
export function page() {
  document.body.innerHTML = `<form action="/hub/spawn/ada?_xsrf=x">
    <div id="sandlot-form">
      <div id="sandlot-search-box" hidden><input type="search" id="sandlot-search"><span id="sandlot-found"></span></div>
      <fieldset id="sandlot-profiles">
        ${choice('sandlot-profile--cpu', 'profile', 'cpu', 'checked')}
        ${choice('sandlot-profile--gpu', 'profile', 'gpu')}
      </fieldset>
      ${group('cpu')}${group('gpu')}
      <datalist id="sandlot-references"></datalist>
      <p id="sandlot-blocked" hidden></p>
      <p id="sandlot-fitting" hidden></p>
    </div>
    <button type="submit" id="sandlot-start">Start server</button><span id="sandlot-starting"></span>
  </form>`;
  const root = byId('sandlot-form');
  return { form: formOf(root), root, selection: new Selection(root) };
}

function formOf(root: HTMLElement) {
  const form = root.closest('form');
  if (!form) throw new Error('There is no form.');
  return form;
}

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`There is no ${id}.`);
  return found;
}

export function radio(id: string): HTMLInputElement {
  return byId(id) as HTMLInputElement;
}

const INSTEAD: Alternative = {
  image: 'base',
  label: 'The large',
  profile: 'cpu',
  reference: null,
  size: 'large'
};

export const FULL = {
  alternatives: [INSTEAD],
  reason: { code: 'size-full', message: 'All 2 places are taken.' },
  state: 'unavailable' as const,
  taken: 2,
  words: { mark: 'full' as const, text: 'full' }
};

export function size(slug: string, more: Partial<SizeOffer> = {}): SizeOffer {
  const taken = more.taken ?? 0;
  return {
    alternatives: [],
    places: 2,
    reason: null,
    room: null,
    slug,
    state: 'available',
    taken,
    words: { mark: 'free', text: `${2 - taken} of 2 free` },
    ...more
  };
}

export function profile(
  slug: string,
  sizes: SizeOffer[],
  more: Partial<ProfileOffer> = {}
): ProfileOffer {
  return {
    alternatives: [],
    images: [],
    places: null,
    reason: null,
    sizes,
    slug,
    state: 'available',
    taken: null,
    words: { mark: 'open', text: 'available' },
    ...more
  };
}

export function offers(
  profiles: ProfileOffer[],
  more: Partial<PageOffers> = {}
): PageOffers {
  return {
    age_s: 1,
    as_of: '2026-11-21T12:00:00Z',
    counting: false,
    known: true,
    profiles,
    settings_hash: 'a',
    ...more
  };
}
