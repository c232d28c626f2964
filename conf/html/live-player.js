// Plays one stream in a video element: keeps near its live edge, and comes back when a connection breaks.

import { Buffer, canPlay } from './live-buffer.js';

const LEAST = 0.25, MOST = 2;           // seconds that it wants to have ahead: fewer on a calm network
const LATE = 1.5;                       // so many more are too many to catch up with by playing faster
const FASTER = 1.08, SLOWER = 0.96;
const CALM = 20;                        // seconds without a stall after which it dares to come nearer
const FIRST_WAIT = 250, LONGEST_WAIT = 8000;    // ms between attempts
const SILENT = 20;                      // seconds without a byte of a stream that is said to run
const BEGIN = 1000;                     // ms: where the first frame is put on the timeline

export { canPlay };

const codec = mime => mime.split('"')[1] ?? mime;

/**
 * `note(kind, text)` tells what happens, for the page's log; `problem(about, text)` what the viewer must know about the
 * 'video', the 'audio' or the 'stream', no text: nothing any more;
 * `changed()` that `state` or `about` is another.
 */
export class Player {
  /** 'idle', 'connecting', 'waiting', 'playing', 'paused' */
  state = 'idle';
  transport = '';
  /** What the stream consists of: `{ video: { label, width, height }, audio: { label, rate, channels }, rate }` */
  about = {};
  received = 0;
  share = { video: 0, audio: 0 };
  target = LEAST;
  stalls = 0;
  seeks = 0;
  reconnects = 0;
  /** Whether the stream is said to have a publisher; null: nobody knows. */
  running = null;

  #video;
  #say;
  #worker;
  #buffer = null;
  #id = 0;
  #url = '';
  #wanted = 'auto';
  #wait = FIRST_WAIT;
  #retry = 0;
  #begun = false;               // the first frame of this buffer is shown
  #begunAt = 0;
  #edge = null;
  #heard = 0;
  #calmSince = 0;
  #lead = 0;                    // when one track ran ahead of the other
  #before = {};                 // bytes of earlier connections
  #mine = false;                // this pause is not the viewer's

  constructor(video, say) {
    this.#video = video;
    this.#say = say;
    this.#worker = new Worker(new URL('live-worker.js', import.meta.url), { type: 'module' });
    this.#worker.onmessage = ({ data }) => {
      if (data.id === this.#id) this['_' + data.type]?.(data);
    };
    this.#worker.onerror = () => say.problem('stream', 'The player’s worker has failed; the console of the browser says why.');
    video.addEventListener('waiting', () => this.#stalled());
    video.addEventListener('playing', () => { if (this.#begun) this.#set('playing'); });
    video.addEventListener('pause', () => { if (!this.#mine && this.#begun && !video.ended) this.#set('paused'); });
    video.addEventListener('play', () => { if (this.state === 'paused') this.#toEdge(); });
    video.addEventListener('error', () => { if (this.#buffer && video.error) this.#broken(video.error.message || 'the browser cannot decode it'); });
    setInterval(() => this.#tick(), 100);
    // A page that is left may be kept for the way back.
    addEventListener('pagehide', () => this.#pause());
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted && this.#url) this.#connect();
    });
  }

  #pause() {
    clearTimeout(this.#retry);
    this.#worker.postMessage({ stop: true });
    this.#id++;
  }

  play(url, transport = 'auto') {
    this.stop();
    this.#url = url;
    this.#wanted = transport;
    this.target = LEAST;
    this.stalls = this.seeks = this.reconnects = 0;
    this.#connect();
  }

  stop() {
    clearTimeout(this.#retry);
    this.#worker.postMessage({ stop: true });
    this.#id++;
    this.#url = '';
    this.#forget();
    this.#video.removeAttribute('src');         // the picture of another stream is not to stay
    this.#video.load();
    this.#set('idle');
  }

  /** Tries at once, if it is not connected: a publisher has come. */
  hurry() {
    if (!this.#retry) return;
    this.#wait = FIRST_WAIT;
    this.#connect();
  }

  #set(state) {
    if (this.state === state) return;
    this.state = state;
    this.#say.changed();
  }

  #forget() {
    this.#buffer?.close();
    this.#buffer = null;
    this.#begun = false;
    this.#edge = null;
    this.#lead = 0;
    this.about = {};
  }

  #connect() {
    clearTimeout(this.#retry);
    this.#retry = 0;
    this.#heard = performance.now();
    this.#edge = null;
    this.#before = { received: this.received, ...this.share };
    this.#set('connecting');
    // What is still in the buffer is played to its end; the new frames come behind a gap.
    const ranges = this.#buffer ? this.#video.buffered : [];
    const at = ranges.length ? ranges.end(ranges.length - 1) * 1000 + BEGIN : BEGIN;
    this.#worker.postMessage({ id: ++this.#id, url: this.#url, transport: this.#wanted, at });
  }

  #again(why, wait = this.#wait) {
    clearTimeout(this.#retry);
    this.reconnects++;
    this.#set('waiting');
    this.#retry = setTimeout(() => this.#connect(), wait);
    this.#wait = Math.min(LONGEST_WAIT, 2 * this.#wait);
    this.#say.note('reconnecting', `${why}; again in ${(wait / 1000).toFixed(wait < 1000 ? 2 : 0)} s`);
  }

  /** The buffer is of no use any more: a new one, and a new connection, which begins with a key frame. */
  #broken(why) {
    this.#worker.postMessage({ stop: true });
    this.#id++;
    this.#forget();
    this.#say.changed();
    this.#again(why);
  }

  // ---- what the worker says

  _open({ transport }) {
    this.transport = transport;
    this.#heard = performance.now();
    for (const about of ['video', 'audio', 'stream']) this.#say.problem(about, '');    // all of it is told again
    this.#say.note('open', transport === 'HTTP' && this.#wanted === 'auto' ? 'by HTTP: a WebSocket was refused' : `by ${transport}`);
    this.#set('waiting');
  }

  _about({ rate }) {
    this.about = { ...this.about, rate };
    this.#say.changed();
  }

  _init({ kind, mime, label, width, height, rate, channels, bytes }) {
    if (!Buffer.plays(mime)) {
      this._problem({ kind, text: `this browser cannot play ${label} (${codec(mime)})` });
      return;
    }
    this.#buffer ??= new Buffer(this.#video, why => this.#broken(why));
    this.#buffer.init(kind, mime, bytes);
    const was = this.about[kind]?.mime;
    if (was && was !== mime) this.#say.note('codec', `the ${kind} is ${codec(mime)} now`);
    this.about = { ...this.about, [kind]: { mime, label, width, height, rate, channels } };
    this.#say.problem(kind, '');
    this.#say.changed();
  }

  _media({ kind, bytes, begin }) {
    this.#buffer?.media(kind, bytes, begin);
  }

  _figures({ received, share, edge }) {
    this.received = this.#before.received + received;
    for (const kind of ['video', 'audio']) this.share[kind] = this.#before[kind] + share[kind];
    this.#edge = edge;
    this.#heard = performance.now();
  }

  _problem({ kind, text }) {
    this.#say.problem(kind, `The ${kind}: ${text}.`);
    this.#say.note('problem', `the ${kind}: ${text}`);
  }

  _closed({ why, status }) {
    if (status === 403 || status === 401) {
      this.#say.problem('stream', 'The server does not let you watch this stream.');
      this.#wait = LONGEST_WAIT;
    }
    if (status === 404 && this.running) {
      // Somebody does: the server's configuration has no address for such a name.
      this.#say.problem('stream', 'This stream runs, but the server has no address for it: the location for live/NAME.flv in its configuration does not take this name.');
    }
    this.#again(status !== 404 ? why : this.running ? 'the server has no address for this stream' : 'nobody publishes this stream');
  }

  // ---- the live edge

  /** Seconds from the newest frame's time to the one on the screen: what of the latency can be seen from here. */
  get latency() {
    if (this.#edge === null || !this.#begun) return null;
    return (performance.timeOrigin + performance.now() - this.#edge) / 1000 - this.#video.currentTime;
  }

  get ahead() {
    const ranges = this.#video.buffered;
    return this.#begun && ranges.length ? Math.max(0, ranges.end(ranges.length - 1) - this.#video.currentTime) : 0;
  }

  #stalled() {
    if (!this.#begun || this.#video.seeking || this.#video.paused) return;
    this.#set('waiting');
    // It was not the network: there is nothing to wait for.
    if (performance.now() - this.#heard > 1000 * MOST || this.#retry) return;
    this.stalls++;
    this.#calmSince = performance.now();
    this.target = Math.min(MOST, this.target * 1.4);
  }

  #toEdge() {
    const ranges = this.#video.buffered, last = ranges.length - 1;
    if (last < 0) return;
    this.#video.currentTime = Math.max(ranges.start(last), ranges.end(last) - this.target);
    this.#video.playbackRate = 1;
  }

  #tick() {
    const video = this.#video, ranges = video.buffered, now = performance.now();
    if (this.running && !this.#retry && this.#url && now - this.#heard > 1000 * SILENT) {
      this.#worker.postMessage({ stop: true });
      this.#id++;
      return this.#again(`nothing has come for ${SILENT} seconds`);
    }
    if (!this.#buffer || !ranges.length) return;
    const start = ranges.start(ranges.length - 1), end = ranges.end(ranges.length - 1);
    if (!this.#begun) return this.#begin(start, end);
    this.#together(now);
    if (video.paused || video.seeking) return;
    const ahead = end - video.currentTime;
    if (video.currentTime < start - 0.05 || ahead > this.target + LATE) {
      // A gap, or too late to catch up by playing faster.
      if (end - start < Math.min(this.target, 0.5) && ahead < this.target + LATE) return;
      // What the server has kept comes in pieces at first: that is no being late.
      if (video.currentTime >= start && now - this.#begunAt > 2000) {
        this.seeks++;
        this.#say.note('skipped', `${(ahead - this.target).toFixed(1)} s, to be live again`);
      }
      return this.#toEdge();
    }
    if (now - this.#calmSince > 1000 * CALM) {
      this.#calmSince = now;
      this.target = Math.max(LEAST, this.target * 0.85);
      this.#wait = FIRST_WAIT;
    }
    const rate = video.playbackRate, over = ahead - this.target;
    if (rate > 1 ? over < 0.02 : rate < 1 ? over > -0.02 : false) video.playbackRate = 1;
    else if (over > 0.15) video.playbackRate = FASTER;
    else if (over < -0.6 * this.target) video.playbackRate = SLOWER;
  }

  #begin(start, end) {
    if (end - start < this.target) return;
    this.#begun = true;
    this.#calmSince = this.#begunAt = performance.now();
    this.#toEdge();
    this.#mine = true;
    this.#video.play().catch(error => {
      if (error.name === 'NotAllowedError') this.#set('paused');
    }).finally(() => { this.#mine = false; });
    this.#say.note('playing', Object.values(this.about).map(track => track?.label).filter(Boolean).join(' and '));
  }

  /** A track that has ended holds the other one up: without it, then. */
  #together(now) {
    const ends = this.#buffer.ends;
    const apart = 'video' in ends && 'audio' in ends ? ends.video - ends.audio : 0;
    if (Math.abs(apart) < 3) this.#lead = 0;
    else this.#lead ||= now;
    if (this.#lead && now - this.#lead > 2000) this.#broken(`the ${apart > 0 ? 'audio' : 'video'} has ended`);
  }
}
