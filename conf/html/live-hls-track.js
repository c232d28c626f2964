// Follows one media playlist, and gets what is new in it, in order: segments, and at the live edge parts.

import { mediaPlaylist } from './live-playlist.js';

const PATIENCE = 10000;         // ms for an answer; a request that the server is to hold gets three target durations more
const SHORTEST = 250;           // ms between two looks at a playlist that has nothing new

/** The status of what does not become better by itself. */
export const CANNOT = -1;

/** An answer that is none; `status` is 0 where there was no answer at all. */
export class HlsError extends Error {
  constructor(why, status = 0) {
    super(why);
    this.status = status;
  }
}

/** The bytes of an address, or its text. `took(bytes, ms)` is told how long the body was on its way. */
export async function load(url, { signal, patience = PATIENCE, clock = null, text = false, took = null }) {
  const sent = Date.now(), timed = AbortSignal.timeout(patience);
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([signal, timed]), cache: text ? 'no-store' : 'default' });
    if (!answer.ok) {
      answer.body?.cancel();
      throw new HlsError(`the answer was ${answer.status} ${answer.statusText}`.trim(), answer.status);
    }
    if (text) clock?.told(answer.headers.get('Date'), sent, Date.now());
    if (text) return await answer.text();
    const begun = performance.now(), bytes = new Uint8Array(await answer.arrayBuffer());
    took?.(bytes.length, performance.now() - begun);
    return bytes;
  } catch (error) {
    if (error instanceof HlsError || signal.aborted) throw error;
    throw new HlsError(timed.aborted ? 'the server is silent' : 'the server does not answer');
  }
}

const pause = (ms, signal) => new Promise(done => {
  const end = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    done();
  };
  const timer = setTimeout(end, ms);
  signal.addEventListener('abort', end);
});

/**
 * `low`: by parts, where there are any. `take` gets `playlist(list)`, `piece(piece, bytes, init)`, where `init` is there if it is
 * another than before, `gap()` where there is nothing, `room(piece)`, which is awaited before each piece, `took(bytes, ms)`, and
 * `from()`: the time of day to begin at, in ms, null for the live edge, or the `{ from, to, soon }` of a seam. What `piece`
 * does not take (false) is as if it had never come: the place to begin at is looked for anew.
 */
export class Track {
  /** What comes next, `{ msn, part }`; null: what is near the live edge, or where it is to begin. */
  cursor = null;
  list = null;
  /** Of the newest init: `initTrack` of it. */
  about = null;
  /** The time of day at which what was taken ends, in ms. */
  end = null;
  /** What is being got: `{ since, duration }`, by performance.now(), in ms. */
  loading = null;

  #url;
  #low;
  #clock;
  #take;
  #map = null;                  // whose init was given
  #read = 0;                    // when the playlist was

  constructor(url, low, clock, take) {
    this.#url = url;
    this.#low = low;
    this.#clock = clock;
    this.#take = take;
  }

  /** Another place to go on with what was got before: so that nothing is missing and nothing comes twice. */
  resume(other) {
    this.cursor = other.cursor;
    this.about = other.about;
    this.end = other.end;
    this.#map = other.#map;
  }

  get parts() {
    return this.#low && this.list.partTarget > 0;
  }

  /** How far from the end of the playlist it is to be played, in seconds. */
  get holdBack() {
    const { partHoldBack, partTarget, holdBack, target } = this.list;
    return this.parts ? partHoldBack || 3 * partTarget : Math.max(holdBack, 3 * target);
  }

  /** The longest time from one piece to the next, in seconds. */
  get step() {
    return this.parts ? this.list.partTarget : this.list.target;
  }

  /** Returns at the end of the stream; throws what goes wrong. */
  async follow(signal) {
    for (;;) {
      const isNew = await this.#look(signal);
      let count = 0;
      for (let piece; (piece = this.#next());) {
        await this.#take.room(piece);
        if (signal.aborted) return;
        await this.#get(piece, signal);
        if (signal.aborted) return;
        count++;
      }
      if (this.list.ended) return;
      if (!this.list.blocks || !count && !isNew) {
        await pause(Math.max(SHORTEST, count ? 1000 * this.list.target : 500 * this.list.target), signal);
      }
      if (signal.aborted) return;
    }
  }

  /** Reads the playlist; whether there is something new in it. */
  async #look(signal) {
    const known = this.list, asked = new URL(this.#url);
    let patience = PATIENCE;
    if (known?.blocks) {
      const last = known.segments.at(-1), open = last && !last.url;
      asked.searchParams.set('_HLS_msn', last ? last.msn + (open ? 0 : 1) : known.sequence);
      if (this.parts) asked.searchParams.set('_HLS_part', open ? last.parts.length : 0);
      patience += 3000 * known.target;
    }
    const young = known && performance.now() - this.#read < 500 * known.skipUntil;
    if (young) asked.searchParams.set('_HLS_skip', 'YES');
    const options = { signal, patience, clock: this.#clock, text: true };
    let list;
    try {
      list = mediaPlaylist(await load(asked, options), this.#url, known);
    } catch (error) {
      // Nothing came for as long as the server holds a request, or it has begun anew: what is there now?
      if (!known || ![400, 503].includes(error.status)) throw error;
      await pause(SHORTEST, signal);
      list = null;
    }
    list ??= mediaPlaylist(await load(this.#url, options), this.#url);
    this.#read = performance.now();
    this.list = list;
    this.#take.playlist(list);
    const end = list => JSON.stringify([list?.segments.at(-1)?.msn, list?.segments.at(-1)?.parts.length, list?.ended]);
    return end(list) !== end(known);
  }

  async #get(piece, signal) {
    this.loading = { since: performance.now(), duration: 1000 * piece.duration };
    try {
      const init = piece.map && piece.map !== this.#map ? await load(piece.map, { signal }) : null;
      const bytes = piece.gap ? null : await load(piece.url, { signal, took: this.#take.took });
      if (signal.aborted) return;
      if (!bytes) this.#take.gap();
      else if (this.#take.piece(piece, bytes, init) === false) return this.#leave();
      else {
        this.#map = piece.map;
        this.end = piece.wall + 1000 * piece.duration;
      }
    } catch (error) {
      // It has left the playlist meanwhile; the next ones are there.
      if (error.status !== 404 && error.status !== 410) throw error;
    } finally {
      this.loading = null;
    }
    this.cursor = piece.after;
  }

  #leave() {
    this.cursor = this.#map = this.about = null;
  }

  #next() {
    const { segments } = this.list;
    if (!segments.length) return null;
    const first = segments[0].msn, last = segments.at(-1).msn;
    // What was wanted is gone, or the numbers are others.
    if (this.cursor && (this.cursor.msn < first || this.cursor.msn > last + 1)) this.cursor = null;
    this.cursor ??= this.#begin(this.#take.from());
    if (!this.cursor) return null;
    const { msn, part } = this.cursor;
    const segment = segments[msn - first];
    if (!segment) return null;
    const { url, duration, wall, run, map, gap, parts } = segment;
    const next = { msn: msn + 1, part: 0 };
    if (part && url && parts.length && part >= parts.length) {
      this.cursor = next;
      return this.#next();
    }
    // Parts that are not listed any more: the whole has them, too.
    if (url && (!part || !parts.length)) return { url, duration, wall, run, map, gap, after: next };
    const found = this.parts && parts[part];
    if (!found) return null;
    const before = parts.slice(0, part).reduce((sum, part) => sum + part.duration, 0);
    return { ...found, wall: wall + 1000 * before, run, map, after: { msn, part: part + 1 } };
  }

  /** `{ msn, part }` of where it begins; null: that is not there yet. */
  #begin(from) {
    return typeof from === 'object' && from ? this.#seam(from) : this.#back(from) ?? this.#edge();
  }

  /** In this span of the time of day, a place that needs nothing of what stands before it: the last, or the first where it is to be soon. */
  #seam({ from, to, soon }) {
    const places = [];
    for (const { msn, url, gap, wall, parts } of this.list.segments) {
      let time = wall;
      if (url && !gap) places.push({ msn, part: 0, time });
      for (const [part, { duration, independent }] of this.parts ? parts.entries() : []) {
        if (independent && (part || !url)) places.push({ msn, part, time });
        time += 1000 * duration;
      }
    }
    const fits = ({ time }) => time >= from && time <= to, found = soon ? places.find(fits) : places.findLast(fits);
    return found ? { msn: found.msn, part: found.part } : null;
  }

  /** The segment that has this moment, or is the first behind it. */
  #back(wall) {
    if (wall === null) return null;
    const whole = this.list.segments.filter(({ url, gap }) => url && !gap);
    const found = whole.findLast(segment => segment.wall <= wall) ?? whole[0];
    return found ? { msn: found.msn, part: 0 } : null;
  }

  /** The last place to begin at that is as far from the end as it should be, of what has one clock; the first if there is none. */
  #edge() {
    const { segments } = this.list, last = segments.at(-1);
    const latest = last.wall + 1000 * (last.duration - this.holdBack + 0.05);
    let at = { msn: this.list.sequence, part: 0 };
    for (const { msn, url, wall, run, parts } of segments.toReversed()) {
      if (run !== last.run) break;
      at = { msn, part: 0 };
      let part = this.parts ? parts.length - 1 : 0, time = wall + 1000 * parts.slice(0, part).reduce((sum, part) => sum + part.duration, 0);
      for (; part > 0; part--, time -= 1000 * parts[part].duration) if (time <= latest && parts[part].independent) return { msn, part };
      if (wall <= latest && (url || this.parts)) return at;
    }
    return at;
  }
}
