// Days as bars: each shows the hours in which there is something, a button for each recording, and where is played.

const HOUR = 3600e3, MOST = 31;         // days

function el(tag, cls = '', text = '') {
  const element = document.createElement(tag);
  if (cls) element.className = cls;
  if (text) element.textContent = text;
  return element;
}

/** Local midnight of a moment, and that of the next day: one may have 23 or 25 hours. */
function dayOf(ms) {
  const date = new Date(ms);
  date.setHours(0, 0, 0, 0);
  const next = new Date(date);
  next.setDate(next.getDate() + 1);
  return [date.getTime(), next.getTime()];
}

const clock = ms => new Date(ms).toTimeString().slice(0, 8);
const hour = ms => new Date(ms).toTimeString().slice(0, 5);

export class Days {
  #parent;
  #play;
  #days = [];                           // { from, to, track, head, shown }
  #drawn = '';

  /** `play(ms)` is called with the moment that was chosen. */
  constructor(parent, play) {
    this.#parent = parent;
    this.#play = play;
  }

  /** Draws the days of these recordings, the oldest of which is the first. */
  show(files) {
    // Nothing is drawn again that has not changed: a button may have the focus.
    const drawn = JSON.stringify(files.map(({ from, to, grows, file }) => [from, grows ? Math.floor(to / 30e3) : to, file]));
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const held = document.activeElement?.dataset?.piece;
    const days = new Map();
    for (const file of files) {
      // Some are of two days.
      for (let at = file.from; at < Math.max(file.to, file.from + 1);) {
        const [begin, end] = dayOf(at);
        if (!days.has(begin)) days.set(begin, { begin, end, pieces: [] });
        days.get(begin).pieces.push({ ...file, from: at, to: Math.min(file.to, end) });
        at = end;
      }
    }
    const newest = [...days.values()].sort((a, b) => b.begin - a.begin).slice(0, MOST);
    this.#days = newest.map(day => this.#day(day));
    this.#parent.replaceChildren(...this.#days.map(day => day.element));
    if (held) this.#parent.querySelector(`[data-piece="${CSS.escape(held)}"]`)?.focus();
  }

  #day({ begin, end, pieces }) {
    const first = Math.min(...pieces.map(piece => piece.from)), last = Math.max(...pieces.map(piece => piece.to));
    // A short one is shown in minutes.
    const unit = last - first < HOUR / 6 ? HOUR / 12 : last - first < HOUR ? HOUR / 4 : HOUR;
    const from = Math.max(begin, Math.floor((first - begin) / unit) * unit + begin);
    const to = Math.min(end, Math.max(Math.ceil((last - begin) / unit) * unit + begin, from + unit));
    const element = el('div', 'day'), title = el('h3', '', new Date(begin).toLocaleDateString(undefined, { weekday: 'short', day: 'numeric', month: 'short' }));
    const total = pieces.reduce((sum, piece) => sum + piece.to - piece.from, 0) / 60e3;
    title.append(el('span', '', total >= 90 ? `${(total / 60).toFixed(1)} h` : `${Math.max(1, Math.round(total))} min`));
    const track = el('div', 'track'), hours = el('div', 'hours');
    track.setAttribute('role', 'group');
    track.setAttribute('aria-label', `Recordings of ${title.firstChild.data}`);
    for (const piece of pieces) track.append(this.#piece(piece, from, to));
    const steps = [1 / 60, 1 / 12, 0.25, 0.5, 1, 2, 3, 4, 6].map(step => step * HOUR);
    const step = steps.find(step => (to - from) / step <= (innerWidth < 640 ? 4 : 8)) ?? 6 * HOUR;
    hours.setAttribute('aria-hidden', 'true');
    for (let at = from; at <= to; at += step) {
      const tick = el('span', at === from ? 'first' : at === to ? 'last' : '', hour(at));
      tick.style.left = `${100 * (at - from) / (to - from)}%`;
      if (at === to || (to - at) / (to - from) > .06) hours.append(tick);
    }
    element.append(title, track, hours);
    return { element, track, from, to, head: null };
  }

  #piece(piece, from, to) {
    const button = el('button', piece.grows ? 'grows' : '');
    button.type = 'button';
    button.dataset.piece = `${piece.file} ${piece.from}`;
    button.style.left = `${100 * (piece.from - from) / (to - from)}%`;
    button.style.width = `${100 * (piece.to - piece.from) / (to - from)}%`;
    const words = `${clock(piece.from)} to ${piece.grows ? 'now' : clock(piece.to)}`;
    button.setAttribute('aria-label', `Play the recording from ${words}`);
    button.title = words;
    const moment = event => piece.from + (piece.to - piece.from) * Math.min(1, Math.max(0, event.offsetX / button.clientWidth));
    button.addEventListener('pointermove', event => { button.title = clock(moment(event)); });
    // From the keyboard there is no place in it.
    button.addEventListener('click', event => this.#play(event.detail ? moment(event) : piece.from));
    return button;
  }

  /** Shows where is played; `null`: nowhere. */
  mark(ms) {
    for (const day of this.#days) {
      const here = ms !== null && ms >= day.from && ms < day.to;
      if (!here) {
        day.head?.remove();
        day.head = null;
        continue;
      }
      if (!day.head) {
        day.head = el('i', 'now');
        day.track.append(day.head);
      }
      day.head.style.left = `${100 * (ms - day.from) / (day.to - day.from)}%`;
    }
  }
}
