// A slow tick for the channel of the demonstration: this page publishes it, as long as nobody else publishes, the page
// is seen, and the server takes it. Of several pages the first one's tick keeps the others waiting.
'use strict';

class Ticker {
  static QUIET = 3000;          // ms without an event before a tick, and up to a third more
  static SOON = 400;            // before the first one

  #publish;                     // (text) → a promise; an error whose cause is 'refused' ends the ticks
  #changed;
  #timer = 0;
  #open = false;                // the stream is
  #wanted = true;
  refused = false;              // this client may not publish

  constructor(publish, changed) {
    this.#publish = publish;
    this.#changed = changed;
    document.addEventListener('visibilitychange', () => this.#wait());
  }

  /** A tick is going to come. */
  get waits() {
    return this.#timer !== 0;
  }

  /** Whether the stream is open: nothing is published to one that is broken, dropped, or has ended. */
  open(is, hurry = false) {
    this.#open = is;
    this.#wait(hurry);
    this.#changed();
  }

  want(is) {
    this.#wanted = is;
    this.#wait(true);
    this.#changed();
  }

  /** There was an event, whoever published it. */
  heard() {
    this.#wait();
  }

  #wait(hurry = false) {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (!this.#open || !this.#wanted || this.refused || document.hidden) return;
    this.#timer = setTimeout(() => this.#tick(), hurry ? Ticker.SOON : Ticker.QUIET * (1 + Math.random() / 3));
  }

  async #tick() {
    try {
      await this.#publish(`tick at ${new Date().toTimeString().slice(0, 8)}`);
    } catch (error) {
      this.refused = error.cause === 'refused';
      this.#changed();
    }
    this.#wait();
  }
}
