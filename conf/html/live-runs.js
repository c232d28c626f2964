// Where media stand on the timeline of the video element: by EXT-X-PROGRAM-DATE-TIME. What the clocks of media do at a
// discontinuity is of no importance. A run is what has one clock; variants have clocks of their own.

const BEGIN = 1;                        // seconds: where the first picture is put

export class Runs {
  #runs = new Map();            // name → { offset, at, time, wall }: begins at `at`; `wall` is the time of day at `time`
  #last = null;                 // of which something has come last

  clear() {
    this.#runs.clear();
    this.#last = null;
  }

  get size() {
    return this.#runs.size;
  }

  has(run) {
    return this.#runs.has(run);
  }

  /**
   * What is added to the times of media of this run, of which there is something that begins at `begin` of its own clock. A new
   * one comes behind `end`, whatever its date is: a clock may have been set back; -Infinity: it may be put over what is there.
   */
  offset({ run, wall }, begin, end) {
    if (!this.#runs.has(run)) {
      const at = this.#last ? Math.max(this.#last.time + (wall - this.#last.wall) / 1000, end) : BEGIN;
      this.#runs.set(run, { offset: at - begin, at });
    }
    // The dates follow the server's clock, the times the encoder's: hours later they say something else.
    this.#last = Object.assign(this.#runs.get(run), { wall, time: begin + this.#runs.get(run).offset });
    return this.#last.offset;
  }

  /** The time of day of a place, in ms; null: nothing is there. */
  wallAt(time) {
    const run = [...this.#runs.values()].findLast(run => run.at <= time + 0.001);
    return run ? run.wall + 1000 * (time - run.time) : null;
  }

  /** The place of a time of day. */
  timeOf(wall) {
    const all = [...this.#runs.values()], run = all.findLast(({ at, time, wall: then }) => then + 1000 * (at - time) <= wall) ?? all[0];
    return run ? run.time + (wall - run.wall) / 1000 : BEGIN;
  }
}
