// Plays one stream by HLS in a video element, with the face of live-player.js: near the live edge, over gaps, and on after a break.
//
// live-hls-choice.js says which variant is played, live-hls-tracks.js has its tracks, and feeds the browser; live-edge.js keeps it
// near the end of what is there.
// Who goes back in the stream plays on from there, and is live again at the end.

import { canPlay } from './live-buffer.js';
import { Clock } from './live-clock.js';
import { Edge } from './live-edge.js';
import { Choice } from './live-hls-choice.js';
import { CANNOT, HlsError } from './live-hls-track.js';
import { Tracks } from './live-hls-tracks.js';

const FIRST_WAIT = 250, LONGEST_WAIT = 8000;    // ms between attempts
const HELD = 30;                        // seconds got in advance for a viewer who pauses
const LONG = 60;                        // seconds: a viewer who pauses goes on where that was if there are as many
const ROOM = 500;                       // ms between looks whether there is room for more
const NATIVE = 'application/vnd.apple.mpegurl';

/** Whether the browser plays HLS by itself. */
export const isNative = Boolean(document.createElement('video').canPlayType(NATIVE));
export const canPlayHls = canPlay || isNative;

/** As `Player` of live-player.js, for the address of a master playlist; 'low': by parts where the server has them. */
export class HlsPlayer {
  state = 'idle';
  transport = '';
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
  #tracks;
  #choice;
  #native = false;
  #from = null;                 // the time of day from which on it plays, in ms; null: live
  #edge;
  #wait = FIRST_WAIT;
  #retry = 0;
  #begun = false;
  #mine = false;                // this pause is not the viewer's
  #held = null;                 // goes on with what a pause has stopped

  constructor(video, say) {
    this.#video = video;
    this.#say = say;
    this.#edge = new Edge(video);
    this.#make();
    video.addEventListener('waiting', () => this.#stalled());
    video.addEventListener('playing', () => this.#plays());
    video.addEventListener('pause', () => { if (!this.#mine && this.#begun && !video.ended) this.#pauses(); });
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
    this.#edge.extra = this.stalls = this.seeks = this.reconnects = 0;
    this.#wait = FIRST_WAIT;
    this.#from = null;
    this.#connect();
  }

  /** Plays a variant that is like this, `{ label, height, bandwidth }`; null: what the line carries. */
  set wish(wish) {
    this.quality.wish = wish;
    this.#choice.adapt(true);
    this.#say.changed();
  }

  /** Plays from a time of day on, in ms; null: live. */
  goTo(wall) {
    if (!this.#url || this.#native) return;
    this.#from = wall;
    if (wall !== null) this.#say.note('back', `to ${new Date(wall).toTimeString().slice(0, 8)}`);
    this.#anew();
  }

  stop() {
    this.#halt();
    this.#url = this.transport = '';
    this.quality.variants = [];
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
    this.#tracks.forget();
    this.#choice.clear();
    this.#begun = this.#native = false;
    this.#edge.clear();
  }

  #anew() {
    this.#halt();
    this.#forget();
    this.#connect();
  }

  async #connect() {
    this.#halt();
    const { signal } = this.#abort = new AbortController();
    if (!this.#begun) this.#set('connecting');
    try {
      await this.#choice.find();
      if (signal.aborted) return;
      for (const about of ['video', 'audio', 'stream']) this.#say.problem(about, '');
      if (!canPlay) return this.#playNative();
      this.#tracks.begin(this.quality.choose(this.#tracks.variant), signal);
      this.#say.changed();
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
  }

  // ---- which variant

  /** Which variants there are, and which one is wished for. */
  get quality() {
    return this.#choice.quality;
  }

  get variant() {
    return this.#tracks.variant;
  }

  /** The one that is played, or is to be in a moment. */
  get next() {
    return this.#tracks.next;
  }

  /** To another variant with a buffer of its own: there is nothing that it could go on with. */
  #jump() {
    if (this.#from !== null) this.#from = this.at ?? this.#from;
    this.#anew();
  }

  /** The stream of the variant that is played has ended: another one's may go on. */
  async #ended() {
    const { signal } = this.#abort;
    await this.#choice.look();
    if (!signal.aborted && this.#tracks.next === this.#tracks.variant) this.#again('the stream has ended', this.running === false ? LONGEST_WAIT : 1000);
  }

  #failed(error) {
    const { status, message } = error;
    if (!(error instanceof HlsError)) console.error(error);
    if (status === CANNOT && isNative && !this.#begun) return this.#playNative();
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

  #make() {
    const player = this;
    this.#tracks = new Tracks(this.#video, this.#clock, {
      get low() { return player.#low; },
      get from() { return player.#from; },
      get at() { return player.at; },
      room: (piece, signal) => this.#room(piece, signal),
      listed: (track, list, isMain) => this.#listed(track, list, isMain),
      came: () => { this.#wait = FIRST_WAIT; },
      changed: () => this.#say.changed(),
      run: () => this.#choice.doubt(),
      took: (bytes, ms) => this.quality.took(bytes, ms),
      ended: () => this.#ended(),
      failed: error => { if (!this.#choice.leave(error)) this.#failed(error); },
      broken: why => this.#broken(why),
      problem: (kind, text) => this.#say.problem(kind, text),
      turned: (variant, why) => this.#choice.turned(variant, why),
    });
    this.#choice = new Choice(this.#tracks, this.#say, {
      get url() { return player.#url; },
      get signal() { return player.#abort.signal; },
      get clock() { return player.#clock; },
      get isOut() { return !player.#begun || player.state === 'waiting'; },
      jump: () => this.#jump(),
      broken: why => this.#broken(why),
    });
  }

  get about() {
    return this.#tracks.about;
  }

  get received() {
    return this.#tracks.received;
  }

  #listed(track, list, isMain) {
    // What is kept of a stream that has ended is not live.
    if (list.ended && !this.#begun && this.#from === null) throw new HlsError('the stream has ended');
    if (!isMain) return;
    const transport = track.parts ? 'LL-HLS' : 'HLS';
    if (this.transport === transport || list.ended) return;
    this.transport = transport;
    this.#say.note('open', track.parts ? `by LL-HLS: parts of ${list.partTarget.toFixed(1)} s` : `by HLS: segments of ${list.target} s`);
    this.#say.changed();
  }

  /** Waits while a viewer's pause lasts, and while enough is there for one who is behind. */
  async #room({ wall }, signal) {
    while (!signal.aborted && this.#begun && (this.#video.paused || this.#from !== null) && wall - this.at > 1000 * HELD) {
      await new Promise(go => {
        const before = this.#held;
        if (this.#from !== null) setTimeout(go, ROOM);
        else this.#held = () => { before?.(); go(); };
      });
    }
  }

  #pauses() {
    const { past } = this;
    if (past && past.to - past.from > 1000 * LONG) this.#from ??= this.at;
    this.#set('paused');
  }

  #goOn() {
    if (this.#from !== null) return;
    // What came meanwhile is not all there is: anew.
    if (this.#held && !this.#native) return this.#anew();
    this.#edge.goTo(this.target);
  }

  // ---- the live edge

  /** The time of day of the picture on the screen, in ms. */
  get at() {
    if (!this.#begun) return this.#from;
    const now = this.#video.currentTime;
    if (!this.#native) return this.#tracks.wallAt(now);
    const start = this.#video.getStartDate?.().getTime();
    return Number.isFinite(start) ? start + 1000 * now : null;
  }

  get past() {
    return this.#tracks.past;
  }

  get isLive() {
    return this.#from === null;
  }

  /** Seconds since the picture on the screen came to the server. */
  get latency() {
    return this.#begun && this.at !== null ? (this.#clock.now - this.at) / 1000 : null;
  }

  /** Seconds that can be played, gaps left out. */
  get ahead() {
    const { buffered, currentTime } = this.#video;
    let sum = 0;
    for (let at = 0; this.#begun && at < buffered.length; at++) sum += Math.max(0, buffered.end(at) - Math.max(currentTime, buffered.start(at)));
    return sum;
  }

  get target() {
    return this.#tracks.holdBack + this.#edge.extra;
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
    if (this.#edge.silence > 2 * this.#tracks.step + 1 || this.#retry) return;
    this.stalls++;
    this.#choice.stalled();
    if (this.#from === null) this.#edge.stalled(this.#tracks.step);
  }

  #tick() {
    this.#choice.tick();
    const video = this.#video, ranges = video.buffered;
    if (!this.#tracks.hasBuffer || !ranges.length) return;
    if (this.#tracks.isOut(this.ahead)) return this.#jump();
    const start = ranges.start(ranges.length - 1), end = ranges.end(ranges.length - 1);
    this.#edge.ends(end);
    if (!this.#begun) return this.#begin(start, end);
    if (video.paused || video.seeking) return;
    const gap = this.#edge.jump(this.target);
    if (gap !== null) {
      if (gap > 0.5) this.#say.note('skipped', `${gap.toFixed(1)} s in which nothing was published`);
      return;
    }
    if (this.state !== 'playing' && video.readyState > 2) this.#set('playing');
    // Whoever has caught up is live.
    if (this.#from !== null && this.latency < this.target + this.#tracks.step) this.#from = null;
    if (this.#from !== null) return;
    const over = this.#edge.keep(this.ahead, this.target, this.#tracks.step);
    if (over) {
      this.seeks++;
      this.#say.note('skipped', `${over.toFixed(1)} s, to be live again`);
      this.#edge.goTo(this.target);
    }
  }

  #begin(start, end) {
    const isBack = this.#from !== null;
    if (end - start < (isBack ? Math.min(1, this.target) : this.target) - 0.1) return;
    this.#begun = true;
    this.#edge.begin();
    if (isBack) this.#video.currentTime = Math.min(end - 0.1, Math.max(start + 0.01, this.#tracks.timeOf(this.#from)));
    else this.#edge.goTo(this.target);
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
