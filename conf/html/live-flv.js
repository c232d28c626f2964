// FLV: bytes in, tags out; and what a tag of video, of audio or of metadata says.
// (Adobe's "Video File Format Specification" 10.1, and Enhanced RTMP for newer codecs.)

export const AUDIO = 8, VIDEO = 9, SCRIPT = 18;
const HEADER = 9, TAG_HEADER = 11, TRAILER = 4;

/** What comes is no FLV, or no longer. */
export class FlvError extends Error {}

/** Takes the stream in pieces of any size; `take({ type, time, body })` is called with each whole tag. */
export class FlvReader {
  #take;
  #room = new Uint8Array(1 << 16);
  #length = 0;
  #begun = false;

  constructor(take) {
    this.#take = take;
  }

  feed(bytes) {
    let all = bytes;
    if (this.#length) {
      this.#keep(bytes);
      all = this.#room.subarray(0, this.#length);
    }
    const used = this.#read(all);
    const rest = all.subarray(used);
    this.#length = 0;
    this.#keep(rest);
  }

  #keep(bytes) {
    const length = this.#length + bytes.length;
    if (length > this.#room.length) {
      const room = new Uint8Array(2 * length);
      room.set(this.#room.subarray(0, this.#length));
      this.#room = room;
    }
    this.#room.set(bytes, this.#length);        // `set` is right where the two overlap
    this.#length = length;
  }

  /** Gives out whole tags; how many bytes they were. */
  #read(all) {
    const view = new DataView(all.buffer, all.byteOffset, all.length);
    let at = 0;
    if (!this.#begun) {
      if (all.length < HEADER + TRAILER) return 0;
      if (all[0] !== 0x46 || all[1] !== 0x4c || all[2] !== 0x56) throw new FlvError('the answer is no FLV');
      const size = view.getUint32(5);
      if (size < HEADER || size > 1024) throw new FlvError('the FLV header is broken');
      if (all.length < size + TRAILER) return 0;
      at = size + TRAILER;
      this.#begun = true;
    }
    while (all.length - at >= TAG_HEADER) {
      const size = view.getUint32(at) & 0xffffff, whole = TAG_HEADER + size;
      if (all.length - at < whole + TRAILER) break;
      if (view.getUint32(at + whole) !== whole) throw new FlvError('the FLV is out of step');
      const time = (view.getUint32(at + 4) >>> 8 | all[at + 7] << 24) >>> 0;
      // A copy: the room is used again.
      this.#take({ type: all[at] & 0x3f, time, body: all.slice(at + TAG_HEADER, at + whole) });
      at += whole + TRAILER;
    }
    return at;
  }
}

const FOUR = { avc1: 'avc', hvc1: 'hevc', av01: 'av1', vp09: 'vp9', vvc1: 'vvc', mp4a: 'aac', Opus: 'opus', fLaC: 'flac', 'ac-3': 'ac-3', 'ec-3': 'ec-3', '.mp3': 'mp3' };
const VIDEOS = { 2: 'Sorenson H.263', 3: 'Screen video', 4: 'VP6', 5: 'VP6', 6: 'Screen video', 7: 'avc', 12: 'hevc' };
const AUDIOS = { 1: 'ADPCM', 2: 'mp3', 3: 'PCM', 4: 'Nellymoser', 5: 'Nellymoser', 6: 'Nellymoser', 7: 'G.711', 8: 'G.711', 10: 'aac', 11: 'Speex', 14: 'mp3' };
const four = (body, at) => {
  const code = String.fromCharCode(...body.subarray(at, at + 4));
  return FOUR[code] ?? code;
};
/** A codec as people call it. */
const NAMES = { avc: 'H.264', hevc: 'H.265', av1: 'AV1', vp9: 'VP9', vvc: 'H.266', aac: 'AAC', opus: 'Opus', flac: 'FLAC', mp3: 'MP3', 'ac-3': 'AC-3', 'ec-3': 'E-AC-3' };
export const called = codec => NAMES[codec] ?? codec;

const signed24 = (body, at) => (body[at] << 24 | body[at + 1] << 16 | body[at + 2] << 8) >> 8;

/** `{ codec, key, what: 'header' | 'frame' | 'other', shift, data }`; null if it says nothing. */
export function video(body) {
  if (body.length < 2) return null;
  const key = (body[0] >> 4 & 7) === 1;
  if ((body[0] >> 4 & 7) === 5) return null;                    // a command for the player
  if (!(body[0] & 0x80)) {
    const codec = VIDEOS[body[0] & 15] ?? `video codec ${body[0] & 15}`;
    if (codec !== 'avc' && codec !== 'hevc') return { codec, key, what: 'frame', shift: 0, data: body.subarray(1) };
    if (body.length < 5) return null;
    const what = ['header', 'frame'][body[1]] ?? 'other';
    return { codec, key, what, shift: signed24(body, 2), data: body.subarray(5) };
  }
  if (body.length < 5) return null;
  const codec = four(body, 1), type = body[0] & 15;
  const shifted = type === 1 && (codec === 'hevc' || codec === 'avc' || codec === 'vvc');
  if (shifted && body.length < 8) return null;
  const what = ['header', 'frame', 'other', 'frame'][type] ?? 'other';
  return { codec, key, what, shift: shifted ? signed24(body, 5) : 0, data: body.subarray(shifted ? 8 : 5) };
}

/** `{ codec, what, data }`; null if it says nothing. */
export function audio(body) {
  if (body.length < 2) return null;
  const format = body[0] >> 4;
  if (format === 9) {
    if (body.length < 5) return null;
    return { codec: four(body, 1), what: ['header', 'frame'][body[0] & 15] ?? 'other', data: body.subarray(5) };
  }
  const codec = AUDIOS[format] ?? `audio codec ${format}`;
  if (codec !== 'aac') return { codec, what: 'frame', data: body.subarray(1) };
  return { codec, what: body[1] === 0 ? 'header' : 'frame', data: body.subarray(2) };
}

/** The members of onMetaData; none if the tag is something else. */
export function metadata(body) {
  try {
    const amf = new Amf(body);
    let name = amf.value();
    if (name === '@setDataFrame') name = amf.value();
    const members = name === 'onMetaData' ? amf.value() : null;
    return members && typeof members === 'object' ? members : {};
  } catch {
    return {};                                                  // it ends before it should
  }
}

/** AMF0, as far as metadata uses it. Whoever reads past the end gets a RangeError of the view. */
class Amf {
  #view;
  #bytes;
  #at = 0;
  #depth = 0;

  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  value() {
    if (++this.#depth > 16) throw new RangeError('too deep');
    const value = this.#one(this.#view.getUint8(this.#at++));
    this.#depth--;
    return value;
  }

  #one(kind) {
    const view = this.#view;
    switch (kind) {
      case 0: return view.getFloat64(this.#skip(8));
      case 1: return view.getUint8(this.#skip(1)) !== 0;
      case 2: return this.#text(view.getUint16(this.#skip(2)));
      case 3: return this.#members();
      case 5: case 6: return null;
      case 8: this.#skip(4); return this.#members();
      case 10: {
        const list = [];
        for (let left = view.getUint32(this.#skip(4)); left > 0; left--) list.push(this.value());
        return list;
      }
      case 11: return view.getFloat64(this.#skip(10));
      case 12: return this.#text(view.getUint32(this.#skip(4)));
      default: throw new RangeError('not a kind that metadata has');
    }
  }

  #members() {
    const members = Object.create(null);
    for (;;) {
      const name = this.#text(this.#view.getUint16(this.#skip(2)));
      if (!name && this.#view.getUint8(this.#at) === 9) break;
      members[name] = this.value();
    }
    this.#at++;
    return members;
  }

  #text(length) {
    const at = this.#skip(length);
    if (this.#at > this.#bytes.length) throw new RangeError('cut off');
    return new TextDecoder().decode(this.#bytes.subarray(at, this.#at));
  }

  #skip(count) {
    const at = this.#at;
    this.#at += count;
    return at;
  }
}
