// The choice among the variants of a stream, where there are several; what was chosen last is chosen again where there is the like.

import { bits } from './live-variants.js';

const KEPT = 'rserve.live.quality';

function kept() {
  try {
    const { label, height, bandwidth } = JSON.parse(localStorage.getItem(KEPT)) ?? {};
    return height >= 0 && bandwidth >= 0 ? { label: String(label), height, bandwidth } : null;
  } catch {
    return null;                // this page may keep nothing, or somebody else wrote there
  }
}

export class Qualities {
  /** `{ label, height, bandwidth }`; null: automatic. */
  wish = kept();

  #box;
  #variants = [];
  #shown = '';
  #player = {};

  /** `changed(wish)` is called when another one is chosen. */
  constructor(box, changed) {
    this.#box = box;
    box.addEventListener('change', ({ target }) => {
      const { label, height, bandwidth } = this.#variants.find(({ url }) => url === target.value) ?? {};
      this.wish = label ? { label, height, bandwidth } : null;
      try {
        localStorage.setItem(KEPT, JSON.stringify(this.wish));
      } catch { /* then it is forgotten */ }
      changed(this.wish);
    });
  }

  /** Shows what this player has to choose from. */
  show(player) {
    this.#player = player;
    this.#variants = player.quality?.variants ?? [];
    if (this.isHidden) return;
    // Nothing is made again that has not changed: one may have the focus.
    const shown = JSON.stringify(this.#variants.map(({ url, label, bandwidth }) => [url, label, bandwidth]));
    if (shown !== this.#shown) this.#make(shown);
    const wished = player.quality.wished?.url ?? 'auto';
    for (const input of this.#inputs) input.checked = input.value === wished;
  }

  get #inputs() {
    return [...this.#box.querySelectorAll('input')];
  }

  #make(shown) {
    this.#shown = shown;
    const held = this.#box.contains(document.activeElement) ? document.activeElement.value : null;
    this.#inputs.forEach(input => input.parentElement.remove());
    this.#box.append(choice('auto', 'Auto', 'The best one that the line carries'),
      ...this.#variants.map(({ url, label, bandwidth }) => choice(url, label, bits(bandwidth))));
    if (held !== null) this.#inputs.find(({ value }) => value === held)?.focus();
  }

  get isHidden() {
    return this.#variants.length < 2;
  }

  /** What is played, in words. */
  get note() {
    const { variant, next } = this.#player;
    if (!variant) return '';
    return variant === next ? `${variant.label} now: ${bits(variant.bandwidth)}.` : `${next.label} is next.`;
  }
}

function choice(value, text, title) {
  const label = document.createElement('label'), input = document.createElement('input'), span = document.createElement('span');
  Object.assign(input, { type: 'radio', name: 'quality', value });
  Object.assign(span, { textContent: text, title });
  label.append(input, span);
  return label;
}
