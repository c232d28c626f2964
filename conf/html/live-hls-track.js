// Follows one media playlist, and gets what is new in it, in order: segments, and at the live edge parts.

import { mediaPlaylist } from './live-playlist.js';

const PATIENCE = 10000;         // ms for an answer; a request that the server is to hold gets three target durations more
const SHORTEST = 250;           // ms between two looks at a playlist that has nothing new

/** An answer that is none; `status` is 0 where there was no answer at all. */
export class HlsError extends Error {
  constructor(why, status = 0) {
    super(why);
    this.status = status;
  }
}

/** The bytes of an address, or its text. */
export async function load(url, { signal, patience = PATIENCE, clock = null, text = false }) {
  const sent = Date.now(), timed = AbortSignal.timeout(patience);
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([signal, timed]), cache: text ? 'no-store' : 'default' });
    if (!answer.ok) {
      answer.body?.cancel();
      throw new HlsError(`the answer was ${answer.status} ${answer.statusText}`.trim(), answer.status);
    }
    if (text) clock?.told(answer.headers.get('Date'), sent, Date.now());
    return text ? await answer.text() : new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    if (error instanceof HlsError || signal.aborted) throw error;
    throw new HlsError(timed.aborted ? 'the server is silent' : 'the server does not answer');
  }
}

const pause = (ms, signal) => new Promise(done => {
  const timer = setTimeout(done, ms);
  signal.addEventListener('abort', () => { clearTimeout(timer); done(); }, { once: true });
});

/**
 * `low`: by parts, where there are any. `take` gets `playlist(list)`, `piece(piece, bytes, init)`, where `init` is there if it is
 * another than before, `gap()` where there is nothing, and `room()`, which is awaited before each piece.
 */
export class Track {
  /** What comes next, `{ msn, part }`; null: what is near the live edge. */
  cursor = null;
  list = null;
  /** Of the newest init: `initTrack` of it. */
  about = null;

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
        await this.#take.room();
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
    try {
      const init = piece.map && piece.map !== this.#map ? await load(piece.map, { signal }) : null;
      const bytes = piece.gap ? null : await load(piece.url, { signal });
      if (signal.aborted) return;
      if (!bytes) this.#take.gap();
      else {
        this.#take.piece(piece, bytes, init);
        this.#map = piece.map;
      }
    } catch (error) {
      // It has left the playlist meanwhile; the next ones are there.
      if (error.status !== 404 && error.status !== 410) throw error;
    }
    this.cursor = piece.after;
  }

  #next() {
    const { segments } = this.list;
    if (!segments.length) return null;
    const first = segments[0].msn, last = segments.at(-1).msn;
    // What was wanted is gone, or the numbers are others.
    if (this.cursor && (this.cursor.msn < first || this.cursor.msn > last + 1)) this.cursor = null;
    this.cursor ??= this.#edge();
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
