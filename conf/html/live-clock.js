// By how much the server's clock is ahead of this one: the header Date tells a second, and every answer bounds it a little more.

export class Clock {
  #least = -Infinity;
  #most = Infinity;

  /** An answer with this Date, asked for and come at these times of ours. */
  told(date, sent, came) {
    const from = Date.parse(date ?? '');
    if (Number.isNaN(from)) return;
    // It was written between the two, and the server's time was in the second that it says.
    const least = from - came, most = from + 1000 - sent;
    if (least > this.#most || most < this.#least) [this.#least, this.#most] = [least, most];         // a clock was set
    else [this.#least, this.#most] = [Math.max(this.#least, least), Math.min(this.#most, most)];
  }

  /** The server's time now, in ms; clocks that may be equal are taken for equal. */
  get now() {
    const ahead = this.#least > 0 || this.#most < 0 ? (this.#least + this.#most) / 2 : 0;
    return Date.now() + ahead;
  }
}
