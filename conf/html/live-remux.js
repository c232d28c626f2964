// From the tags of FLV to the batches of two tracks in fragmented MP4, on one clock that only goes forward.

import { AUDIO, SCRIPT, VIDEO, audio, called, metadata, video } from './live-flv.js';
import { CodecError, audioTrack, opusSamples, videoTrack } from './live-codecs.js';
import { initSegment, join, mediaSegment } from './live-mp4.js';

const PLAYED = ['avc', 'hevc', 'av1', 'vp9', 'aac', 'mp3', 'opus'];
const BACK = 3000;          // ms: a clock that goes back further has begun anew
const APART = 200, DRIFT = 30;  // ms between the audio's clock and its count of samples: at once, on average

/** `tell` is called with `{ type: 'init' | 'problem' | 'about', … }`; the batches are to be fetched with `take`. */
export class Remux {
  #tell;
  #told = {};
  #clock;
  #tracks;

  /** The first frame will be at `at` ms. */
  constructor(at, tell) {
    this.#tell = tell;
    this.#clock = new Clock(at);
    this.#tracks = { video: new Video(), audio: new Audio() };
  }

  /** Takes a tag; the time in ms up to which there are frames of video now, or of audio. */
  tag({ type, time, body }) {
    if (type === SCRIPT) return this.#about(metadata(body));
    const kind = type === VIDEO ? 'video' : type === AUDIO ? 'audio' : null;
    const frame = kind && (kind === 'video' ? video : audio)(body);
    if (!frame || frame.what === 'other') return null;
    const track = this.#tracks[kind];
    if (frame.what === 'header') {
      if (frame.codec === 'mp3') return null;                     // it says nothing
      this.#header(kind, track, frame);
      return null;
    }
    // The first frame of MP3 is its header.
    if (frame.codec === 'mp3' && track.name !== 'mp3' && frame.data.length) this.#header(kind, track, frame);
    if (!track.ready) {
      if (!PLAYED.includes(frame.codec)) this.#problem(kind, `this player cannot play ${called(frame.codec)}`);
      return null;
    }
    if (frame.codec !== track.name || !frame.data.length) return null;
    const at = this.#clock.at(time);
    return track.push(at, frame) ? { kind, time: at + (frame.shift ?? 0), bytes: body.length } : null;
  }

  #about(members) {
    if (!Object.keys(members).length) return null;
    this.#told = members;
    const number = name => Number.isFinite(members[name]) ? members[name] : 0;
    this.#tell({ type: 'about', rate: number('framerate') });
    return null;
  }

  #header(kind, track, { codec, data }) {
    if (track.name === codec && track.same(data)) return;       // it is repeated
    try {
      const made = (kind === 'video' ? videoTrack : audioTrack)(codec, data, this.#told);
      track.flushTo(this.#tell, kind);
      track.begin(codec, data, made);
      const { label, width, height, rate, channels } = made;
      const bytes = made.mime ? new Uint8Array() : initSegment(made, kind, track.scale);
      this.#tell({ type: 'init', kind, mime: made.mime ?? `${kind}/mp4; codecs="${made.codec}"`, label, width, height, rate, channels, bytes });
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      track.ready = false;
      this.#problem(kind, error.message);
    }
  }

  #problem(kind, text) {
    if (this.#tracks[kind].problem === text) return;
    this.#tracks[kind].problem = text;
    this.#tell({ type: 'problem', kind, text });
  }

  /** The batches since the last time. */
  take() {
    return Object.entries(this.#tracks).map(([kind, track]) => track.take(kind)).filter(Boolean);
  }
}

/** From FLV's 32 bits of milliseconds, which may begin anew, to the time of the tracks. */
class Clock {
  #raw = null;
  #time;
  #most;

  constructor(at) {
    this.#time = this.#most = at;
  }

  at(raw) {
    if (this.#raw !== null) this.#time += raw - this.#raw | 0;  // also over the end of the 32 bits
    this.#raw = raw;
    if (this.#time < this.#most - BACK) this.#time = this.#most + 1;
    this.#most = Math.max(this.#most, this.#time);
    return this.#time;
  }
}

class Track {
  ready = false;
  name = '';
  problem = '';
  sequence = 0;
  samples = [];
  time = 0;                     // of the first of the samples
  #header = new Uint8Array();

  same(header) {
    return header.length === this.#header.length && header.every((byte, at) => byte === this.#header[at]);
  }

  begin(name, header) {
    this.ready = true;
    this.problem = '';
    this.name = name;
    this.#header = header;
  }

  take(kind) {
    if (!this.samples.length) return null;
    const bytes = mediaSegment(++this.sequence, this.time, this.samples);
    const batch = { type: 'media', kind, frames: this.samples.length, bytes };
    this.samples = [];
    return batch;
  }

  flushTo(tell, kind) {
    const batch = this.take(kind);
    if (batch) tell(batch);
  }
}

/** A frame waits for the next one, which tells how long it lasts. */
class Video extends Track {
  scale = 1000;
  #held = null;

  begin(name, header) {
    super.begin(name, header);
    this.#held = null;
    this.waits = true;          // for a key frame
  }

  push(time, { key, shift, data }) {
    if (this.waits && !key) return false;
    this.waits = false;
    const held = this.#held;
    if (held && time <= held.time) {                            // decoders want an order
      shift += time - held.time - 1;
      time = held.time + 1;
    }
    if (held) this.#release(time - held.time);
    this.#held = { time, key, shift, data };
    return true;
  }

  #release(duration) {
    if (!this.samples.length) this.time = this.#held.time;
    this.samples.push({ ...this.#held, duration });
  }

  flushTo(tell, kind) {
    if (this.#held) this.#release(40);
    this.#held = null;
    super.flushTo(tell, kind);
  }
}

/**
 * Milliseconds are too coarse for samples: they are counted, as long as the count and the clock agree. What is not put into
 * MP4 has no times of its own: a batch tells where it begins, unless it goes on behind the last one.
 */
class Audio extends Track {
  #next = null;
  #drift = 0;

  begin(name, header, { rate, samples, mime }) {
    super.begin(name, header);
    this.bare = Boolean(mime);
    this.scale = rate;
    this.length = samples;
    this.#next = null;
  }

  push(time, { data }) {
    const duration = this.length || opusSamples(data), told = Math.round(time * this.scale / 1000);
    let anew = this.#next === null;
    this.#next ??= told;
    const apart = told - this.#next, ms = samples => Math.abs(samples) * 1000 / this.scale;
    this.#drift += (apart - this.#drift) / 16;
    if (ms(apart) > APART || ms(this.#drift) > DRIFT) {
      this.#drift = 0;
      if (apart < 0) return false;                              // there is too much: one goes
      if (this.samples.length && !this.bare) this.samples[this.samples.length - 1].duration += apart;
      this.#next = told;
      anew = true;
    }
    if (!this.samples.length) this.time = this.#next;
    this.samples.push({ key: true, shift: 0, duration, data, begin: anew ? this.#next / this.scale : null });
    this.#next += duration;
    return true;
  }

  take(kind) {
    if (!this.bare || !this.samples.length) return super.take(kind);
    let count = 1;
    while (count < this.samples.length && this.samples[count].begin === null) count++;
    const samples = this.samples.splice(0, count);
    return { type: 'media', kind, frames: count, begin: samples[0].begin, bytes: join(samples.map(sample => sample.data)) };
  }
}
