// Media Source Extensions: one SourceBuffer for each track, fed in order, trimmed, and retyped when a codec changes.

const BEHIND = 12, TRIM = 24;   // seconds kept behind the play position; trimmed when there are more
const PATIENCE = 500;           // ms that a second track may come later than the first
const Source = globalThis.MediaSource ?? globalThis.ManagedMediaSource;

export const canPlay = Boolean(Source);

/** `fail(why)` is called once, when nothing more can come of it. */
export class Buffer {
  #video;
  #fail;
  #source = null;
  #url = '';
  #tracks = new Map();          // kind → { mime, init, queue, buffer, waiting }
  #timer = 0;
  #open = false;
  #begun = false;
  #over = false;
  #expected = 0;

  constructor(video, fail) {
    this.#video = video;
    this.#fail = fail;
    this.#source = new Source();
    this.#url = URL.createObjectURL(this.#source);
    this.#source.addEventListener('sourceopen', () => {
      this.#open = true;
      this.#begin();
    }, { once: true });
    video.disableRemotePlayback = true;
    video.src = this.#url;
  }

  static plays(mime) {
    return Source.isTypeSupported(mime);
  }

  /** So many tracks are waited for; 0: those that come soon. */
  set expected(count) {
    this.#expected = count;
    this.#begin();
  }

  close() {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    URL.revokeObjectURL(this.#url);
    this.#tracks.clear();
  }

  /** The codec of a track, the first one or another one. */
  init(kind, mime, bytes) {
    let track = this.#tracks.get(kind);
    if (!track) this.#tracks.set(kind, track = { kind, queue: [], buffer: null, has: false });
    track.mime = mime;
    track.queue.push({ mime, bytes });
    this.#feed(track);
  }

  /** `begin` is where it begins, in seconds, if it does not tell that itself; null: behind the last. */
  media(kind, bytes, begin = null) {
    const track = this.#tracks.get(kind);
    if (!track || this.#over) return;
    if (this.#begun && !track.buffer) return this.#lost(`${kind} has come in`);
    track.queue.push({ bytes, begin });
    track.has = true;
    if (this.#begun) return this.#feed(track);
    if (this.#open && this.#tracks.size === (this.#expected || 2) && [...this.#tracks.values()].every(track => track.has)) return this.#begin(true);
    if (!this.#expected) this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      this.#begin(true);
    }, PATIENCE);
  }

  #lost(why) {
    if (this.#over) return;
    this.close();
    this.#fail(why);
  }

  // A MediaSource takes no further SourceBuffer once it has begun.
  #begin(now = false) {
    if (this.#over || this.#begun || !this.#open) return;
    const tracks = [...this.#tracks.values()].filter(track => track.has);
    if (!tracks.length || tracks.length < this.#expected || !now && tracks.length < 2 && this.#timer) return;
    this.#begun = true;
    try {
      for (const track of tracks) {
        track.buffer = this.#source.addSourceBuffer(track.queue[0].mime);
        track.mimeNow = track.queue[0].mime;
        track.buffer.addEventListener('updateend', () => this.#feed(track));
        track.buffer.addEventListener('error', () => this.#lost(`the ${track.kind} cannot be taken apart`));
      }
      tracks.forEach(track => this.#feed(track));
    } catch (error) {
      this.#lost(error.message);
    }
  }

  #feed(track) {
    const { buffer, queue } = track;
    if (this.#over || !buffer || buffer.updating || this.#source.readyState !== 'open') return;
    try {
      if (this.#trim(buffer, TRIM, BEHIND) || !queue.length) return;
      if (queue[0].mime && queue[0].mime !== track.mimeNow) {
        buffer.changeType(queue[0].mime);
        track.mimeNow = queue[0].mime;
        // What has no times of its own has switched this.
        if (track.mimeNow !== 'audio/mpeg') {
          buffer.mode = 'segments';
          buffer.timestampOffset = 0;
        }
      }
      if (Number.isFinite(queue[0].begin)) buffer.timestampOffset = queue[0].begin;
      // What stands up to the next change of the codec goes in at once.
      let count = 1;
      while (count < queue.length && !queue[count].mime && !Number.isFinite(queue[count].begin)) count++;
      const bytes = count === 1 ? queue[0].bytes : joined(queue.slice(0, count));
      buffer.appendBuffer(bytes);
      queue.splice(0, count);
    } catch (error) {
      if (error.name !== 'QuotaExceededError') return this.#lost(error.message);
      // It is full: what has been played goes; if there is none, nothing can be done.
      if (!this.#trim(buffer, 2, 1)) this.#lost('the buffer of the browser is full');
    }
  }

  /** Removes all but `keep` seconds of what was played, if these are more than `most`. */
  #trim(buffer, most, keep) {
    const now = this.#video.currentTime;
    if (!buffer.buffered.length || buffer.buffered.start(0) >= now - most) return false;
    buffer.remove(0, now - keep);
    return true;
  }

  /** Where each track ends, in seconds. */
  get ends() {
    const ends = {};
    for (const { kind, buffer } of this.#tracks.values()) {
      if (this.#over || !buffer) continue;
      const ranges = buffer.buffered;
      ends[kind] = ranges.length ? ranges.end(ranges.length - 1) : 0;
    }
    return ends;
  }
}

function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let at = 0;
  for (const { bytes } of parts) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return all;
}
