// Which variant is played: the one that the viewer wishes for, or the best one that the line carries.

const FIRST = 5e6;                      // bits a second, before anything was measured
const AT_ONCE = 30;                     // ms: what has come in less says nothing but that the line is not slow
const HALF = 2000, PIECES = 4;          // ms of loading after which what was before counts half; or so many pieces
const ROOM = 0.7;                       // the part of the line that the next better one may take
const REFUSED = 20000;                  // ms in which a variant that could not be got is not tried again
const CALM = 10000, LONGEST_CALM = 120000;      // ms until it dares to take a better one; longer after each time that it was too much

export class Quality {
  /** What there is to choose from, the best one first. */
  variants = [];
  /** What the viewer has chosen, `{ label, height, bandwidth }`; null: what the line carries. */
  wish = null;
  /** Bits a second, as they were measured; null: nothing was. */
  measured = null;

  #refused = new Map();         // address → until when
  #calm = CALM;
  #since = -Infinity;           // the last change, or stall
  #up = false;                  // it was to a better one

  /** So many bytes were on the way for so long. */
  took(bytes, ms) {
    const rate = Math.max(8000 * bytes / Math.max(1, ms), ms < AT_ONCE ? FIRST : 0), kept = 0.5 ** Math.max(ms / HALF, 1 / PIECES);
    this.measured = this.measured === null ? rate : kept * this.measured + (1 - kept) * rate;
  }

  /** The line carries no more than that, as far as can be seen: what comes is too slow. */
  slow(rate) {
    this.measured = Math.min(this.measured ?? FIRST, rate);
    if (this.#up) this.#calm = Math.min(LONGEST_CALM, 2 * this.#calm);
    this.#up = false;
    this.#since = performance.now();
  }

  /** Could not be got: it is left alone for a while. */
  refuse({ url }) {
    this.#refused.set(url, performance.now() + REFUSED);
  }

  /** Whether there is another one than that which can be got, as far as is known. */
  hasOther({ url }) {
    return this.variants.some(other => other.url !== url && !this.#isRefused(other));
  }

  #isRefused({ url }) {
    return this.#refused.get(url) > performance.now();
  }

  /** `now` is played, or null. */
  choose(now) {
    const can = this.variants.filter(variant => !this.#isRefused(variant));
    const variants = can.length ? can : this.variants, wished = this.#like(variants);
    if (wished) return wished;
    const rate = this.measured ?? FIRST, least = variants.reduce((least, one) => one.bandwidth < least.bandwidth ? one : least);
    const best = variants.find(({ bandwidth }) => bandwidth <= ROOM * rate) ?? least;
    const current = now && variants.find(({ url }) => url === now.url);
    if (!current) this.#turns(false);
    if (!current || best.url === current.url) return best;
    if (variants.indexOf(best) > variants.indexOf(current)) {
      if (current.bandwidth <= rate) return current;
      this.#turns(false);
      return best;
    }
    if (performance.now() - this.#since < this.#calm) return current;
    this.#turns(true);
    return best;
  }

  #turns(up) {
    this.#up = up;
    this.#since = performance.now();
  }

  /** The one that is wished for, if it is there; else null. */
  get wished() {
    return this.#like(this.variants);
  }

  /** Of the height that is wished for, the one that is called so, or whose bits are the nearest: they change a little. */
  #like(variants) {
    if (!this.wish) return null;
    const far = ({ bandwidth }) => Math.abs(Math.log((bandwidth || 1) / (this.wish.bandwidth || 1)));
    const alike = variants.filter(({ height }) => height === this.wish.height).sort((a, b) => far(a) - far(b));
    return alike.find(({ label }) => label === this.wish.label) ?? alike[0] ?? null;
  }
}
