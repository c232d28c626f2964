// A small graph of the last minute: one value for each half second, as a line with its area, or as bars.

export const VALUES = 120;

export class Graph {
  #canvas;
  #values = [];                 // null where there is none
  #tops;
  #bars;
  #mark;
  #text;

  /** `tops` are the heights that the scale may have, `text` writes one of them; `mark` is another colour. */
  constructor(canvas, { tops, text, bars = false, mark = false }) {
    this.#canvas = canvas;
    this.#tops = tops;
    this.#text = text;
    this.#bars = bars;
    this.#mark = mark;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  add(value) {
    this.#values.push(value);
    if (this.#values.length > VALUES) this.#values.shift();
  }

  clear() {
    this.#values = [];
  }

  draw() {
    const canvas = this.#canvas, ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width) return;
    canvas.width = Math.round(width * ratio);                   // this clears it
    canvas.height = Math.round(height * ratio);
    const style = getComputedStyle(canvas), colour = name => style.getPropertyValue(name).trim();
    const c = canvas.getContext('2d');
    c.scale(ratio, ratio);
    const most = Math.max(0, ...this.#values.filter(value => value !== null));
    const top = this.#tops.find(top => top >= most) ?? most;
    const floor = height - 1, ceiling = 18, step = width / VALUES;
    const y = value => floor - value / top * (floor - ceiling);
    const x = at => width - (this.#values.length - at) * step;
    c.fillStyle = colour(this.#mark ? '--mark' : '--buf');
    this.#values.forEach((value, at) => {
      if (value) c.fillRect(x(at), y(value), this.#bars ? Math.max(1, step - 1) : step + 0.5, floor - y(value));
    });
    if (!this.#bars) this.#line(c, x, y, step, colour('--accent'));
    c.fillStyle = colour('--line');
    c.fillRect(0, floor, width, 1);
    c.fillRect(0, ceiling, width, 1);
    c.fillStyle = colour('--soft');
    c.font = `12px ${colour('--mono')}`;
    c.fillText(this.#text(top), 0, 12);
  }

  #line(c, x, y, step, colour) {
    c.strokeStyle = colour;
    c.lineWidth = 1.5;
    c.beginPath();
    let goes = false;
    this.#values.forEach((value, at) => {
      if (value === null) { goes = false; return; }
      if (!goes) c.moveTo(x(at), y(value));
      goes = true;
      c.lineTo(x(at) + step, y(value));
    });
    c.stroke();
  }
}
