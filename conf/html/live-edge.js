// Keeps a video element at the live edge: a little faster when it is late, a little slower when there is little left, and over
// gaps in what is there.

const LATE = 2;                         // seconds too far behind to catch up with by playing faster
const FASTER = 1.08, SLOWER = 0.96;
const CALM = 20;                        // seconds without a stall after which it dares to come nearer

export class Edge {
  /** Seconds farther behind than the server asks for, after stalls. */
  extra = 0;

  #video;
  #calmSince = 0;
  #grown = { end: 0, at: 0 };   // where the buffer ends, and since when

  constructor(video) {
    this.#video = video;
  }

  clear() {
    this.#grown = { end: 0, at: 0 };
    this.#video.playbackRate = 1;
  }

  begin() {
    this.#calmSince = performance.now();
  }

  /** What is there ends here now. */
  ends(end) {
    if (end > this.#grown.end + 0.001) this.#grown = { end, at: performance.now() };
  }

  /** Seconds since something has come. */
  get silence() {
    return (performance.now() - this.#grown.at) / 1000;
  }

  /** `step`: the longest time from one piece to the next, in seconds. */
  stalled(step) {
    this.begin();
    this.extra = Math.min(2 * step, this.extra + 0.5 * step);
  }

  /** Seconds that are to be skipped; 0: it is near enough, for a video of which so much is there and `target` should be. */
  keep(ahead, target, step) {
    const video = this.#video, rate = video.playbackRate;
    // It grows by whole pieces: what of the next one would be there is counted, too.
    const over = ahead + Math.min(step, this.silence) - target;
    if (over > Math.max(LATE, step)) return over;
    if (performance.now() - this.#calmSince > 1000 * CALM) {
      this.begin();
      this.extra = this.extra > 0.1 ? this.extra * 0.7 : 0;
    }
    if (rate > 1 ? over < 0.02 : rate < 1 ? over > -0.02 : false) video.playbackRate = 1;
    else if (over > 0.15) video.playbackRate = FASTER;
    else if (over < -0.15 - target / 4) video.playbackRate = SLOWER;
    return 0;
  }

  /** So many seconds before the end of what is there. */
  goTo(target) {
    const ranges = this.#video.buffered, last = ranges.length - 1;
    if (last < 0) return;
    this.#video.currentTime = Math.max(ranges.start(last) + 0.01, ranges.end(last) - target);
    this.#video.playbackRate = 1;
  }

  /** At the end of what stands together, on to what stands behind the gap; how long that was, or null. */
  jump(target) {
    const { buffered: ranges, currentTime } = this.#video;
    for (let at = 0; at < ranges.length; at++) {
      if (currentTime < ranges.end(at) - 0.1 && currentTime >= ranges.start(at) - 0.05) return null;
      if (ranges.start(at) <= currentTime) continue;
      if (at < ranges.length - 1 || ranges.end(at) - ranges.start(at) > Math.min(target, 0.4)) {
        this.#video.currentTime = ranges.start(at) + 0.01;
        return ranges.start(at) - currentTime;
      }
    }
    return null;
  }
}
