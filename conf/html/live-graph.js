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
    if (this.#bars) {
      this.#values.forEach((value, at) => { if (value) c.fillRect(x(at), y(value), Math.max(1, step - 1), floor - y(value)); });
    } else {
      for (const run of this.#runs()) area(c, run, x, y, floor, colour('--accent'));
    }
    c.fillStyle = colour('--line');
    c.fillRect(0, floor, width, 1);
    c.fillRect(0, ceiling, width, 1);
    c.fillStyle = colour('--soft');
    c.font = `12px ${colour('--mono')}`;
    c.fillText(this.#text(top), 0, 12);
  }

  /** The values that stand together: `[at, value]`. */
  #runs() {
    const runs = [[]];
    this.#values.forEach((value, at) => {
      if (value === null) runs.push([]);
      else runs[runs.length - 1].push([at, value]);
    });
    return runs.filter(run => run.length);
  }
}

function area(c, run, x, y, floor, edge) {
  const [first, last] = [run[0][0], run[run.length - 1][0]];
  const line = () => {
    c.beginPath();
    for (const [at, value] of run) c.lineTo(x(at), y(value));
    c.lineTo(x(last + 1), y(run[run.length - 1][1]));
  };
  line();
  c.lineTo(x(last + 1), floor);
  c.lineTo(x(first), floor);
  c.fill();
  line();
  c.strokeStyle = edge;
  c.lineWidth = 1.5;
  c.stroke();
}
