// The time line below the picture: what of a stream can be watched, where the picture is in it, and a way to any other moment.

const LEAST = 12;                       // seconds: of less there is nothing to choose
const NEAR = 5;                         // seconds behind the end: there it is live

const two = number => String(number).padStart(2, '0');
const clock = wall => new Date(wall).toTimeString().slice(0, 8);

function span(seconds) {
  const all = Math.max(0, Math.round(seconds)), hours = Math.floor(all / 3600), minutes = Math.floor(all / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

export class Timeline {
  #box;
  #range;
  #at;
  #live;
  #player = null;
  #held = false;                // a moment is being chosen

  /** `box` has an input of the type range, an output, and a button. */
  constructor(box) {
    this.#box = box;
    this.#range = box.querySelector('input');
    this.#at = box.querySelector('output');
    this.#live = box.querySelector('button');
    this.#range.addEventListener('input', () => {
      this.#held = true;
      this.#tell(1000 * this.#range.value);
    });
    this.#range.addEventListener('change', () => {
      this.#held = false;
      const behind = this.#range.max - this.#range.value;
      this.#player?.goTo(behind < NEAR ? null : 1000 * this.#range.value);
    });
    this.#range.addEventListener('blur', () => { this.#held = false; });
    this.#live.addEventListener('click', () => this.#player?.goTo(null));
  }

  /** Shows what this player has. */
  show(player) {
    this.#player = player;
    const { past } = player;
    this.#box.hidden = !past || past.to - past.from < 1000 * LEAST;
    if (this.#box.hidden || this.#held) return;
    this.#range.min = Math.ceil(past.from / 1000);
    this.#range.max = Math.floor(past.to / 1000);
    this.#range.value = Math.round((player.at ?? past.to) / 1000);
    this.#live.setAttribute('aria-pressed', String(player.isLive));
    this.#tell(player.at ?? past.to, player.isLive);
  }

  #tell(wall, live = false) {
    const behind = this.#range.max - wall / 1000;
    const text = live ? clock(wall) : `${clock(wall)} · ${span(behind)} ago`;
    if (this.#at.textContent !== text) this.#at.textContent = text;
    this.#range.setAttribute('aria-valuetext', live ? 'live' : `${clock(wall)}, ${span(behind)} ago`);
    // Up to the middle of the thumb, which is a rem wide and stays between the ends.
    const { min, max, value } = this.#range, done = ((value - min) / Math.max(1, max - min)).toFixed(4);
    this.#box.style.setProperty('--done', `calc(.5rem + (100% - 1rem) * ${done})`);
  }
}
