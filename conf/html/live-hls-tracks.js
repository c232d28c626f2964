// The tracks of the variant that is played, and what comes of them: into the buffer, at its place on the timeline.
//
// Another variant takes over track by track: the new one looks for a place to begin at in what the old one has brought already,
// which goes on until the first piece of the new one is there. Variants need not be cut alike, nor have the same numbers or
// clocks: what they have in common are dates.

import { Buffer } from './live-buffer.js';
import { beginOf, initTrack } from './live-fmp4.js';
import { CANNOT, HlsError, Track } from './live-hls-track.js';
import { Runs } from './live-runs.js';

const LEAST = 400;              // ms of what is there that are played on before another variant begins
const NEAR = 40;                // ms that may be missing between the two: a frame
const FAIR = 5;                 // so many segments' time it may take

/**
 * `on` is asked for `low`, `from` and `at` (times of day in ms, or null), and for `room(piece, signal)`; it is told of
 * `listed(track, list, isMain)`, `came()`, `changed()`, `run()`: another clock, `took(bytes, ms)`, `ended()`, `failed(error)`, `broken(why)`,
 * `problem(kind, text)`, and `turned(variant, why)`, where `why` says why it has not.
 */
export class Tracks {
  /** The one that is played. */
  variant = null;
  about = {};
  received = 0;

  #video;
  #clock;
  #on;
  #tracks = [];                 // in the order of the variant's addresses
  #coming = null;               // `{ variant, tracks, since }`: what takes over
  #since = 0;                   // when this variant was begun, or begun again
  #came = false;                // whether anything has come since
  #sets = 0;
  #placedSet = -1;              // whose pieces have come to the buffer last
  #silent = new Set();          // tracks that have had nothing yet but gaps
  #buffer = null;
  #runs = new Runs();
  #placed = {};                 // kind → the run whose offset the buffer has

  constructor(video, clock, on) {
    this.#video = video;
    this.#clock = clock;
    this.#on = on;
  }

  forget() {
    this.#leave();
    this.#buffer?.close();
    this.#buffer = this.variant = null;
    this.#tracks = [];
    this.#runs.clear();
    this.#placed = {};
    this.#silent.clear();
    this.about = {};
  }

  /** Plays a variant, on from where it was if its tracks were played before. */
  begin(variant, signal) {
    this.#leave();
    if (this.variant && !this.plays(variant)) this.forget();
    const before = this.#tracks, set = ++this.#sets;
    this.#placedSet = set;
    this.#since = performance.now();
    this.#came = false;
    this.variant = variant;
    this.#tracks = variant.urls.map((url, at) => {
      const track = this.#track(url, before[at]?.set ?? set, signal);
      if (before[at]) track.resume(before[at]);
      return track;
    });
    for (const track of this.#tracks) this.#follow(track, signal);
  }

  /** Whether that has the tracks that are played. */
  plays({ urls }) {
    return urls.length === this.#tracks.length && urls.every((url, at) => url === this.#tracks[at].url);
  }

  // ---- another variant

  /** The one that is played, or is to be. */
  get next() {
    return this.#coming?.variant ?? this.variant;
  }

  /** Whether another one has not taken over yet, and so few seconds are left that it cannot. */
  isOut(ahead) {
    return this.#coming !== null && ahead < (this.#tracks.every(track => track.done) ? 0.3 : 0.05);
  }

  /** Waits no longer for a variant that does not come. */
  wait() {
    if (this.#coming && performance.now() - this.#coming.since > FAIR * this.while) this.#stay('nothing has come of it');
  }

  /** Whether nothing has come yet of the one that is to be played. */
  get isBarren() {
    return !this.#came && this.variant !== null;
  }

  /** Whether nothing will, as it seems: it is there, and has nothing. */
  get isEmpty() {
    return this.isBarren && performance.now() - this.#since > FAIR * this.while && this.#listed.some(({ list }) => !list.segments.length);
  }

  #stay(why) {
    const { variant } = this.#coming;
    this.#leave();
    this.#on.turned(variant, why);
  }

  /** Another variant takes over, soon, or behind what is there already; false: nothing is there that it could go on with. */
  turn(variant, soon, signal) {
    this.#leave();
    if (this.plays(variant)) return true;
    if (variant.urls.length !== this.#tracks.length || this.#tracks.some(track => track.end === null)) return false;
    const set = ++this.#sets, seam = at => ({ from: (this.#on.at ?? 0) + LEAST, to: this.#tracks[at].end + NEAR, soon });
    const tracks = variant.urls.map((url, at) => this.#track(url, set, signal, () => seam(at)));
    this.#coming = { variant, tracks, since: performance.now() };
    for (const track of tracks) this.#follow(track, signal);
    return true;
  }

  #leave() {
    for (const track of this.#coming?.tracks ?? []) track?.stop.abort();
    this.#coming = null;
  }

  /** What has come to take over does so, if it is not too late; `what` is its first piece. */
  #takeOver(at, track, { wall }, about) {
    const old = this.#tracks[at], { variant, tracks } = this.#coming;
    if (about.kind !== old.about.kind) {
      this.#on.broken('that variant has other tracks');
      return false;
    }
    if (wall < this.#on.at) return false;
    old.stop.abort();
    this.#tracks[at] = track;
    tracks[at] = null;
    this.variant = variant;
    if (tracks.every(track => !track)) {
      this.#coming = null;
      this.#on.turned(variant);
    }
    return true;
  }

  // ---- what comes

  #track(url, set, signal, seam = null) {
    const isMain = () => this.#tracks[0] === track;
    const track = new Track(url, this.#on.low, this.#clock, {
      playlist: list => {
        if (list.encrypted) throw new HlsError('the segments are encrypted, which this player cannot read', CANNOT);
        if (list.segments.length && !list.segments[0].map) throw new HlsError('the segments are MPEG-TS, which this browser cannot play', CANNOT);
        this.#on.listed(track, list, isMain());
      },
      piece: (piece, bytes, init) => this.#take({ ...piece, run: `${set} ${piece.run}` }, bytes, init, track),
      gap: () => this.#miss(track),
      room: piece => this.#on.room(piece, signal),
      took: (bytes, ms) => { if (isMain()) this.#on.took(bytes, ms); },
      from: () => this.#tracks.includes(track) ? this.#on.from : seam(),
    });
    return Object.assign(track, { url, set, stop: new AbortController() });
  }

  async #follow(track, signal) {
    const either = AbortSignal.any([signal, track.stop.signal]);
    try {
      await track.follow(either);
      if (either.aborted) return;
      if (!this.#tracks.includes(track)) throw new HlsError('it has ended');
      track.done = true;
      if (this.#tracks.every(track => track.done)) this.#on.ended();
    } catch (error) {
      if (either.aborted) return;
      if (this.#tracks.includes(track)) return this.#on.failed(error);
      this.#stay(error.message);
    }
  }

  /** A track that is listed and has nothing: the other one is played without it, until it has. */
  #miss(track) {
    if (!this.#tracks.includes(track) || track.about && track.about.kind in this.#placed) return;
    this.#silent.add(track);
    if (this.#buffer) this.#buffer.expected = this.#tracks.length - this.#silent.size;
  }

  #take(piece, bytes, init, track) {
    this.#on.came();
    this.received += bytes.length + (init?.length ?? 0);
    const about = init ? initTrack(init) : track.about, at = this.#coming ? this.#coming.tracks.indexOf(track) : -1;
    if (at >= 0 && !this.#takeOver(at, track, piece, about)) return false;
    this.#came = true;
    track.about = about;
    const { kind, mime, scale } = about;
    if (!Buffer.plays(mime)) return this.#on.problem(kind, `The ${kind}: this browser cannot play ${about.label}.`);
    this.#buffer ??= new Buffer(this.#video, why => this.#on.broken(why));
    this.#silent.delete(track);
    this.#buffer.expected = this.#tracks.length - this.#silent.size;
    if (init) {
      this.#buffer.init(kind, mime, init);
      this.about = { ...this.about, [kind]: about, rate: this.variant.rate };
      this.#on.changed();
    }
    const begin = beginOf(bytes), isOther = track.set > this.#placedSet;
    if (this.#runs.size && !isOther && !this.#runs.has(piece.run)) this.#on.run();
    const end = isOther ? -Infinity : Math.max(0, ...Object.values(this.#buffer.ends));
    const offset = this.#runs.offset(piece, begin === null ? 0 : begin / scale, end);
    const placed = this.#placed[kind] === piece.run && !init;
    this.#placed[kind] = piece.run;
    this.#placedSet = Math.max(this.#placedSet, track.set);
    this.#buffer.media(kind, bytes, placed ? null : offset);
    return true;
  }

  // ---- what there is

  get #listed() {
    return this.#tracks.filter(track => track.list);
  }

  /** The time of day of a place in the video, in ms. */
  wallAt(time) {
    return this.#runs.wallAt(time);
  }

  timeOf(wall) {
    return this.#runs.timeOf(wall);
  }

  /** What can be watched, as times of day. */
  get past() {
    const { segments } = this.#tracks[0]?.list ?? {};
    if (!segments?.length) return null;
    const last = segments.at(-1);
    return { from: segments[0].wall, to: last.wall + 1000 * last.duration };
  }

  get holdBack() {
    return Math.max(0.5, ...this.#listed.map(track => track.holdBack));
  }

  /** The longest time from one piece to the next, in seconds. */
  get step() {
    return Math.max(0, ...this.#listed.map(track => track.step));
  }

  /** About as long as a segment, in ms. */
  get while() {
    return 1000 * Math.max(1, ...this.#listed.map(track => track.list.target));
  }

  /** Whether there is a buffer to play from. */
  get hasBuffer() {
    return this.#buffer !== null;
  }

  /** Seconds that the video is ahead of the audio, if that is more than comes of getting one after the other: it is held up. */
  get apart() {
    const { video, audio } = this.#buffer?.ends ?? {};
    return Math.abs(video - audio) > 2 * this.step + 1 ? video - audio : 0;     // NaN is not
  }

  /** What share of the time that the piece lasts it is on its way, if it takes longer than that; 0: it does not. */
  get lag() {
    const { since, duration } = this.#tracks[0]?.loading ?? {}, time = performance.now() - since;
    return time > duration + 250 ? time / duration : 0;
  }
}
