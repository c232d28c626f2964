// Plays one stream by HLS in a video element, with the face of live-player.js: near the live edge, over gaps, and on after a break.
//
// live-hls-track.js gets the pieces of each track, live-buffer.js feeds the browser. On the timeline of the video element a
// picture stands where EXT-X-PROGRAM-DATE-TIME says: what the clocks of media do at a discontinuity is of no importance.

import { Buffer, canPlay } from './live-buffer.js';
import { Clock } from './live-clock.js';
import { beginOf, initTrack } from './live-fmp4.js';
import { HlsError, Track, load } from './live-hls-track.js';
import { masterPlaylist } from './live-playlist.js';

const LATE = 2;                         // seconds too far behind to catch up with by playing faster
const FASTER = 1.08, SLOWER = 0.96;
const CALM = 20;                        // seconds without a stall after which it dares to come nearer
const FIRST_WAIT = 250, LONGEST_WAIT = 8000;    // ms between attempts
const HELD = 30;                        // seconds got in advance for a viewer who pauses
const BEGIN = 1;                        // seconds: where the first picture is put on the timeline
const CANNOT = -1;                      // the status of what does not become better by itself
const NATIVE = 'application/vnd.apple.mpegurl';

/** Whether the browser plays HLS by itself. */
export const isNative = Boolean(document.createElement('video').canPlayType(NATIVE));
export const canPlayHls = canPlay || isNative;

/** As `Player` of live-player.js, for the address of a master playlist; 'low': by parts where the server has them. */
export class HlsPlayer {
  state = 'idle';
  transport = '';
  about = {};
  received = 0;
  stalls = 0;
  seeks = 0;
  reconnects = 0;
  running = null;

  #video;
  #say;
  #url = '';
  #low = true;
  #abort = new AbortController();
  #clock = new Clock();
  #tracks = new Map();          // address → Track
  #silent = new Set();          // tracks that have had nothing yet but gaps
  #check = { at: Infinity, until: 0 };    // when to see which tracks there are, and how long to be in doubt
  #buffer = null;
  #native = false;
  #runs = new Map();            // number → { offset, at, wall }: media time and wall time on the timeline
  #placed = {};                 // kind → the run whose offset the buffer has
  #rate = null;
  #extra = 0;                   // seconds farther behind than the server asks for, after stalls
  #wait = FIRST_WAIT;
  #retry = 0;
  #begun = false;
  #calmSince = 0;
  #grown = { end: 0, at: 0 };   // where the buffer ends, and since when
  #mine = false;                // this pause is not the viewer's
  #held = null;                 // goes on with what a pause has stopped

  constructor(video, say) {
    this.#video = video;
    this.#say = say;
    video.addEventListener('waiting', () => this.#stalled());
    video.addEventListener('playing', () => this.#plays());
    video.addEventListener('pause', () => { if (!this.#mine && this.#begun && !video.ended) this.#set('paused'); });
    video.addEventListener('play', () => { if (this.state === 'paused') this.#goOn(); });
    video.addEventListener('error', () => { if (this.#url && (this.#begun || this.#native) && video.error) this.#broken(video.error.message || 'the browser cannot decode it'); });
    setInterval(() => this.#tick(), 100);
    addEventListener('pagehide', () => this.#halt());
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted && this.#url) this.#connect();
    });
  }

  play(url, way = 'low') {
    this.stop();
    this.#url = url;
    this.#low = way === 'low';
    this.#extra = this.stalls = this.seeks = this.reconnects = 0;
    this.#wait = FIRST_WAIT;
    this.#connect();
  }

  stop() {
    this.#halt();
    this.#url = this.transport = '';
    this.#forget();
    this.#video.removeAttribute('src');
    this.#video.load();
    this.#set('idle');
  }

  hurry() {
    if (!this.#retry) return;
    this.#wait = FIRST_WAIT;
    this.#connect();
  }

  #halt() {
    clearTimeout(this.#retry);
    this.#retry = 0;
    this.#abort.abort();
    this.#held?.();
    this.#held = null;
  }

  #set(state) {
    if (this.state === state) return;
    this.state = state;
    this.#say.changed();
  }

  #forget() {
    this.#buffer?.close();
    this.#buffer = null;
    this.#tracks.clear();
    this.#runs.clear();
    this.#placed = {};
    this.#silent.clear();
    this.#check = { at: Infinity, until: 0 };
    this.#begun = this.#native = false;
    this.#grown = { end: 0, at: 0 };
    this.about = {};
    this.#video.playbackRate = 1;
  }

  async #connect() {
    this.#halt();
    const { signal } = this.#abort = new AbortController();
    if (!this.#begun) this.#set('connecting');
    try {
      const best = await this.#best(signal);
      for (const about of ['video', 'audio', 'stream']) this.#say.problem(about, '');
      if (!canPlay) return this.#playNative();
      this.#rate = best.rate;
      if (this.#tracks.size && !this.#follows(best.urls)) this.#forget();
      const before = this.#tracks;
      this.#tracks = new Map(best.urls.map(url => [url, this.#track(url, signal)]));
      for (const [url, track] of this.#tracks) if (before.has(url)) track.resume(before.get(url));
      await Promise.all([...this.#tracks.values()].map(track => track.follow(signal)));
      if (!signal.aborted) this.#again('the stream has ended', this.running === false ? LONGEST_WAIT : 1000);
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
  }

  /** The best variant, and its playlists. */
  async #best(signal) {
    const text = await load(this.#url, { signal, clock: this.#clock, text: true });
    const [best] = masterPlaylist(text, this.#url).filter(variant => playable(variant)).sort((a, b) => b.bandwidth - a.bandwidth);
    if (!best) throw new HlsError('this browser can play none of the codecs', CANNOT);
    return { ...best, urls: [best.url, best.audio].filter(Boolean) };
  }

  #follows(urls) {
    return urls.length === this.#tracks.size && urls.every(url => this.#tracks.has(url));
  }

  /** Whether there are other tracks now: a publisher has come back. A new set of them needs a new buffer. */
  async #look(now) {
    const { signal } = this.#abort;
    this.#check.at = now < this.#check.until ? now + this.#while : Infinity;
    try {
      const { urls } = await this.#best(signal);
      if (signal.aborted) return;
      if (!this.#follows(urls)) this.#broken('the stream has other tracks now');
      else if (this.#apart) this.#broken(`the ${this.#apart > 0 ? 'audio' : 'video'} has ended`);
    } catch { /* who follows the playlists is told as well */ }
  }

  #failed(error) {
    const { status, message } = error;
    if (!(error instanceof HlsError)) console.error(error);
    if (status === 401 || status === 403) {
      this.#say.problem('stream', 'The server does not let you watch this stream.');
      this.#wait = LONGEST_WAIT;
    }
    if (status === CANNOT) {
      this.#say.problem('stream', `HLS: ${message}.`);
      this.#wait = LONGEST_WAIT;
    }
    this.#again(status !== 404 ? message : this.running ? 'there is no whole segment yet, or no HLS of this stream' : 'nobody publishes this stream');
  }

  #again(why, wait = this.#wait) {
    this.#halt();
    this.reconnects++;
    if (!this.#begun) this.#set('waiting');
    this.#retry = setTimeout(() => this.#connect(), wait);
    this.#wait = Math.min(LONGEST_WAIT, 2 * this.#wait);
    this.#say.note('reconnecting', `${why}; again in ${(wait / 1000).toFixed(wait < 1000 ? 2 : 0)} s`);
  }

  #broken(why) {
    this.#halt();
    this.#forget();
    this.#say.changed();
    this.#again(why);
  }

  // ---- what comes

  #track(url, signal) {
    const track = new Track(url, this.#low, this.#clock, {
      playlist: list => this.#listed(track, list),
      piece: (piece, bytes, init) => this.#take(piece, bytes, init, track),
      gap: () => this.#miss(track),
      room: () => this.#room(signal),
    });
    return track;
  }

  /** A track that is listed and has nothing: the other one is played without it, until it has. */
  #miss(track) {
    if (track.about && track.about.kind in this.#placed) return;
    this.#silent.add(track);
    if (this.#buffer) this.#buffer.expected = this.#tracks.size - this.#silent.size;
  }

  #listed(track, list) {
    if (list.encrypted) throw new HlsError('the segments are encrypted, which this player cannot read', CANNOT);
    if (list.segments.length && !list.segments[0].map) {
      if (isNative) return this.#playNative();
      throw new HlsError('the segments are MPEG-TS, which this browser cannot play', CANNOT);
    }
    // What is kept of a stream that has ended is not live.
    if (list.ended && !this.#begun) throw new HlsError('the stream has ended');
    const transport = track.parts ? 'LL-HLS' : 'HLS';
    if (this.transport === transport || list.ended) return;
    this.transport = transport;
    this.#say.note('open', track.parts ? `by LL-HLS: parts of ${list.partTarget.toFixed(1)} s` : `by HLS: segments of ${list.target} s`);
    this.#say.changed();
  }

  #take(piece, bytes, init, track) {
    this.#wait = FIRST_WAIT;
    this.received += bytes.length + (init?.length ?? 0);
    if (init) track.about = initTrack(init);
    const { kind, mime, scale } = track.about;
    if (!Buffer.plays(mime)) return this.#say.problem(kind, `The ${kind}: this browser cannot play ${track.about.label}.`);
    this.#buffer ??= new Buffer(this.#video, why => this.#broken(why));
    this.#silent.delete(track);
    this.#buffer.expected = this.#tracks.size - this.#silent.size;
    if (init) {
      this.#buffer.init(kind, mime, init);
      this.about = { ...this.about, [kind]: track.about, rate: this.#rate };
      this.#say.changed();
    }
    const begin = beginOf(bytes);
    const { offset } = this.#run(piece, begin === null ? 0 : begin / scale);
    const placed = this.#placed[kind] === piece.run && !init;
    this.#placed[kind] = piece.run;
    this.#buffer.media(kind, bytes, placed ? null : offset);
  }

  /** Where media of this run stand, whose first to come begins at `begin` of its own clock. */
  #run({ run, wall }, begin) {
    if (!this.#runs.has(run)) {
      const first = this.#runs.values().next().value;
      // A clock that was set back puts nothing on what is there.
      const at = first ? Math.max(first.at + (wall - first.wall) / 1000, ...Object.values(this.#buffer.ends)) : BEGIN;
      this.#runs.set(run, { offset: at - begin, at, wall });
      const now = performance.now();
      if (first) this.#check = { at: now + this.#while, until: now + 5 * this.#while };
    }
    return this.#runs.get(run);
  }

  /** Waits while a viewer's pause lasts. */
  async #room(signal) {
    while (!signal.aborted && this.#begun && this.#video.paused && this.ahead > HELD) {
      await new Promise(go => {
        const before = this.#held;
        this.#held = () => { before?.(); go(); };
      });
    }
  }

  #goOn() {
    // What came meanwhile is not all there is: anew.
    if (this.#held && !this.#native) {
      this.#halt();
      this.#forget();
      return this.#connect();
    }
    this.#toEdge();
  }

  // ---- the live edge

  /** Seconds since the picture on the screen came to the server. */
  get latency() {
    if (!this.#begun) return null;
    const now = this.#video.currentTime;
    if (this.#native) {
      const start = this.#video.getStartDate?.().getTime();
      return Number.isFinite(start) ? (this.#clock.now - start) / 1000 - now : null;
    }
    const run = [...this.#runs.values()].findLast(run => run.at <= now + 0.001);
    return run ? (this.#clock.now - run.wall) / 1000 - (now - run.at) : null;
  }

  /** Seconds that can be played, gaps left out. */
  get ahead() {
    const { buffered, currentTime } = this.#video;
    let sum = 0;
    for (let at = 0; this.#begun && at < buffered.length; at++) sum += Math.max(0, buffered.end(at) - Math.max(currentTime, buffered.start(at)));
    return sum;
  }

  get target() {
    const holdBacks = [...this.#tracks.values()].filter(track => track.list).map(track => track.holdBack);
    return Math.max(0.5, ...holdBacks) + this.#extra;
  }

  get #step() {
    return Math.max(0, ...[...this.#tracks.values()].filter(track => track.list).map(track => track.step));
  }

  /** About as long as a segment, in ms: the master playlist tells of whole ones. */
  get #while() {
    return 1000 * Math.max(1, ...[...this.#tracks.values()].map(track => track.list?.target ?? 0));
  }

  /** Seconds that the video is ahead of the audio, if that is more than comes of getting one after the other: it is held up. */
  get #apart() {
    const { video, audio } = this.#buffer?.ends ?? {};
    return Math.abs(video - audio) > 2 * this.#step + 1 ? video - audio : 0;     // NaN is not
  }

  #plays() {
    if (!this.#url || !this.#begun && !this.#native) return;
    this.#begun = true;
    this.#set('playing');
  }

  #stalled() {
    if (!this.#begun || this.#video.seeking || this.#video.paused) return;
    this.#set('waiting');
    // The stream has paused, or the server: there is nothing to wait for.
    if (performance.now() - this.#grown.at > 1000 * (2 * this.#step + 1) || this.#retry) return;
    this.stalls++;
    this.#calmSince = performance.now();
    this.#extra = Math.min(2 * this.#step, this.#extra + 0.5 * this.#step);
  }

  #toEdge() {
    const ranges = this.#video.buffered, last = ranges.length - 1;
    if (last < 0) return;
    this.#video.currentTime = Math.max(ranges.start(last) + 0.01, ranges.end(last) - this.target);
    this.#video.playbackRate = 1;
  }

  #tick() {
    const video = this.#video, ranges = video.buffered, now = performance.now();
    if (!this.#buffer || !ranges.length) return;
    if (this.#apart && this.#check.at === Infinity) this.#check.at = now + this.#while;
    if (now > this.#check.at) this.#look(now);
    const start = ranges.start(ranges.length - 1), end = ranges.end(ranges.length - 1);
    if (end > this.#grown.end + 0.001) this.#grown = { end, at: now };
    if (!this.#begun) return this.#begin(start, end);
    if (video.paused || video.seeking) return;
    if (this.#jump(ranges)) return;
    if (this.state !== 'playing' && video.readyState > 2) this.#set('playing');
    // It grows by whole pieces: what of the next one would be there is counted, too.
    const behind = this.ahead + Math.min(this.#step, (now - this.#grown.at) / 1000), over = behind - this.target;
    if (over > Math.max(LATE, this.#step)) {
      this.seeks++;
      this.#say.note('skipped', `${over.toFixed(1)} s, to be live again`);
      return this.#toEdge();
    }
    if (now - this.#calmSince > 1000 * CALM) {
      this.#calmSince = now;
      this.#extra = this.#extra > 0.1 ? this.#extra * 0.7 : 0;
    }
    const rate = video.playbackRate;
    if (rate > 1 ? over < 0.02 : rate < 1 ? over > -0.02 : false) video.playbackRate = 1;
    else if (over > 0.15) video.playbackRate = FASTER;
    else if (over < -0.15 - this.target / 4) video.playbackRate = SLOWER;
  }

  /** At the end of what stands together, on to what stands behind the gap. */
  #jump(ranges) {
    const { currentTime } = this.#video;
    for (let at = 0; at < ranges.length; at++) {
      if (currentTime < ranges.end(at) - 0.1 && currentTime >= ranges.start(at) - 0.05) return false;
      if (ranges.start(at) <= currentTime) continue;
      if (at < ranges.length - 1 || ranges.end(at) - ranges.start(at) > Math.min(this.target, 0.4)) {
        const gap = ranges.start(at) - currentTime;
        if (gap > 0.5) this.#say.note('skipped', `${gap.toFixed(1)} s in which nothing was published`);
        this.#video.currentTime = ranges.start(at) + 0.01;
        return true;
      }
    }
    return false;
  }

  #begin(start, end) {
    if (end - start < this.target - 0.1) return;
    this.#begun = true;
    this.#calmSince = performance.now();
    this.#toEdge();
    this.#start();
    this.#say.note('playing', Object.values(this.about).map(track => track?.label).filter(Boolean).join(' and '));
  }

  #start() {
    this.#mine = true;
    this.#video.play().catch(error => {
      if (error.name === 'NotAllowedError') this.#set('paused');
    }).finally(() => { this.#mine = false; });
  }

  #playNative() {
    this.#halt();
    this.#native = true;
    this.transport = 'HLS of the browser';
    this.#video.src = this.#url;
    this.#start();
    this.#say.note('open', 'by HLS, as the browser plays it');
    this.#say.changed();
  }
}

/** Whether the browser can play all that a variant says is in it. */
function playable({ codecs }) {
  if (!canPlay) return true;
  return codecs.split(',').map(codec => codec.trim()).filter(Boolean)
    .every(codec => ['video', 'audio'].some(kind => Buffer.plays(`${kind}/mp4; codecs="${codec}"`)));
}
