// Which variants of a stream there are, looked after while it is played, and the way from one to another.

import { CANNOT, HlsError } from './live-hls-track.js';
import { Quality } from './live-quality.js';
import { variantsOf } from './live-variants.js';

const OFTEN = 8000;                     // ms between looks which variants there are

/** `on` is asked for `url`, `signal`, `clock`, and `isOut`: there is nothing that another variant could go on with; told of `jump()`, `broken(why)`. */
export class Choice {
  quality = new Quality();

  #tracks;
  #say;
  #on;
  #check = { at: Infinity, until: 0 };    // when to look, and how long to be in doubt

  constructor(tracks, say, on) {
    this.#tracks = tracks;
    this.#say = say;
    this.#on = on;
  }

  clear() {
    this.#check = { at: Infinity, until: 0 };
  }

  /** Finds out what there is. */
  async find() {
    const { url, signal, clock } = this.#on, variants = await variantsOf(url, { signal, clock });
    if (signal.aborted) return;
    this.quality.variants = variants;
    this.#check.at = performance.now() + (performance.now() < this.#check.until ? this.#tracks.while : OFTEN);
  }

  /** There may be other tracks in a moment: a clock is another. */
  doubt() {
    const now = performance.now(), time = this.#tracks.while;
    this.#check = { at: now + time, until: now + 5 * time };
  }

  /** Whether there are other tracks now: a publisher has come back, or has gone. A new set of them needs a new buffer. */
  async look() {
    const { signal } = this.#on;
    this.#check.at = performance.now() + OFTEN;         // while this is asked for, nothing else is
    try {
      await this.find();
      if (signal.aborted) return;
      const { variant, apart } = this.#tracks, same = this.quality.variants.find(({ url }) => url === variant?.url);
      if (same && same.audio !== variant.audio) return this.#on.broken('the stream has other tracks now');
      if (apart && this.#tracks.next === variant) return this.#on.broken(`the ${apart > 0 ? 'audio' : 'video'} has ended`);
      this.adapt(false);
      this.#say.changed();
    } catch { /* who follows the playlists is told as well */ }
  }

  /** What is to be done about it, several times a second. */
  tick() {
    const { lag, apart, variant, hasBuffer, isEmpty } = this.#tracks, now = performance.now();
    if (lag) this.quality.slow(variant.bandwidth / lag);
    this.adapt(false);
    if (apart) this.#check.at = Math.min(this.#check.at, now + this.#tracks.while);
    if (hasBuffer && now > this.#check.at) this.look();
    if (isEmpty) this.leave(new HlsError('nothing has come of it', CANNOT));
    this.#tracks.wait();
  }

  /** A stall: that was too much. */
  stalled() {
    const { variant } = this.#tracks;
    if (variant) this.quality.slow(0.9 * variant.bandwidth);
  }

  /** Goes to another variant if it is to be: soon, or behind what is there already. */
  adapt(soon) {
    const { next } = this.#tracks, { signal, isOut } = this.#on;
    if (!next || signal.aborted) return;
    const chosen = this.quality.choose(next);
    if (chosen.url === next.url) return;
    this.#say.note('quality', `${chosen.label} is next`);
    if (isOut || !this.#tracks.turn(chosen, soon, signal)) this.#on.jump();
    this.#say.changed();
  }

  /** From a variant of which nothing can be got to another one; false: there is none, or it is not the variant's fault. */
  leave({ status, message }) {
    const { variant, isBarren } = this.#tracks, isIts = status === CANNOT || status >= 400 && status < 500;
    if (!isBarren || !isIts || !this.quality.hasOther(variant)) return false;
    this.turned(variant, message);
    this.#on.jump();
    return true;
  }

  /** Another one is played now; or not, and why. */
  turned(variant, why) {
    if (why) {
      this.quality.refuse(variant);
      this.#say.note('problem', `not ${variant.label}: ${why}`);
    }
    this.#say.changed();
  }
}
