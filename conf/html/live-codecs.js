// Decoder configurations: from the header of a codec to its name in MIME types and to its sample entry.

import { called } from './live-flv.js';
import { box, esds, full, join, u16, u32 } from './live-mp4.js';

/** A header that cannot be understood. */
export class CodecError extends Error {}

const hex = (byte, digits = 2) => byte.toString(16).padStart(digits, '0');
const two = number => String(number).padStart(2, '0');

/** `{ codec, label, entry, width, height }`; `told` are the members of the metadata. */
export function videoTrack(name, header, told) {
  const make = { avc, hevc, av1, vp9 }[name];
  if (!make) throw new CodecError(`this player cannot play ${called(name)}`);
  const track = make(header);
  track.width ||= told.width > 0 && told.width < 65536 ? told.width & 0xffff : 1280;
  track.height ||= told.height > 0 && told.height < 65536 ? told.height & 0xffff : 720;
  track.entry = visual(track.four, track.width, track.height, track.config);
  return track;
}

/** `{ codec, label, entry, rate, samples }`: so many samples are in a frame. */
export function audioTrack(name, header) {
  const make = { aac, mp3, opus }[name];
  if (!make) throw new CodecError(`this player cannot play ${called(name)}`);
  return make(header);
}

function visual(four, width, height, config) {
  return box(four,
    [0, 0, 0, 0, 0, 0, 0, 1], new Uint8Array(16), u16(width), u16(height),
    u32(0x480000), u32(0x480000), u32(0), u16(1), new Uint8Array(32), u16(24), u16(0xffff), config);
}

function sounding(four, channels, rate, config) {
  return box(four, [0, 0, 0, 0, 0, 0, 0, 1], new Uint8Array(8), u16(channels), u16(16), u32(0),
    u16(rate > 0xffff ? 0 : rate), u16(0), config);
}

// ISO 14496-15, 5.3.3.1
function avc(header) {
  if (header.length < 7 || header[0] !== 1) throw new CodecError('the header of the H.264 video is broken');
  const codec = `avc1.${hex(header[1])}${hex(header[2])}${hex(header[3])}`;
  const length = header[6] << 8 | header[7];
  const size = (header[5] & 31) > 0 && header.length >= 8 + length ? avcSize(header.subarray(8, 8 + length)) : {};
  return { four: 'avc1', codec, label: 'H.264', config: box('avcC', header), ...size };
}

// ISO 14496-15, 8.3.3.1: the name has the bits of the compatible profiles in reverse.
function hevc(header) {
  if (header.length < 23) throw new CodecError('the header of the H.265 video is broken');
  const space = ['', 'A', 'B', 'C'][header[1] >> 6], tier = header[1] & 32 ? 'H' : 'L';
  let compatible = new DataView(header.buffer, header.byteOffset).getUint32(2), reversed = 0;
  for (let bit = 0; bit < 32; bit++, compatible >>>= 1) reversed = (reversed << 1 | compatible & 1) >>> 0;
  const constraints = [...header.subarray(6, 12)];
  while (constraints.length && !constraints[constraints.length - 1]) constraints.pop();
  const parts = [`hvc1.${space}${header[1] & 31}`, reversed.toString(16), tier + header[12], ...constraints.map(byte => byte.toString(16))];
  return { four: 'hvc1', codec: parts.join('.'), label: 'H.265', config: box('hvcC', header) };
}

// "AV1 Codec ISO Media File Format Binding", 2.3
function av1(header) {
  if (header.length < 4 || header[0] !== 0x81) throw new CodecError('the header of the AV1 video is broken');
  const profile = header[1] >> 5, level = header[1] & 31, tier = header[2] & 0x80 ? 'H' : 'M';
  const depth = header[2] & 0x40 ? (header[2] & 0x20 ? 12 : 10) : 8;
  return { four: 'av01', codec: `av01.${profile}.${two(level)}${tier}.${two(depth)}`, label: 'AV1', config: box('av1C', header) };
}

// "VP Codec ISO Media File Format Binding", 2.2: FFmpeg sends the box's version and flags along.
function vp9(header) {
  const record = header.length > 4 && header[0] === 1 && !header[1] && !header[2] && !header[3] ? header.subarray(4) : header;
  if (record.length < 8) throw new CodecError('the header of the VP9 video is broken');
  const depth = record[2] >> 4;
  return { four: 'vp09', codec: `vp09.${two(record[0])}.${two(record[1])}.${two(depth)}`, label: 'VP9', config: full('vpcC', 1, 0, record) };
}

const RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

// AudioSpecificConfig: ISO 14496-3, 1.6.2.1
function aac(header) {
  const bits = new Bits(header);
  const objectType = () => { const type = bits.read(5); return type === 31 ? 32 + bits.read(6) : type; };
  const frequency = () => { const index = bits.read(4); return index === 15 ? bits.read(24) : RATES[index]; };
  let object = objectType();
  const type = object, rate = frequency();
  const channels = [0, 1, 2, 3, 4, 5, 6, 8][bits.read(4)] ?? 2;
  // SBR and PS: behind the rate of the output stands what the core is.
  if (object === 5 || object === 29) { frequency(); object = objectType(); }
  const short = [1, 2, 3, 4, 6, 7, 17, 19, 20, 22, 23].includes(object) && bits.read(1);
  if (!rate || bits.over) throw new CodecError('the header of the AAC audio is broken');
  const label = type === 5 ? 'HE-AAC' : type === 29 ? 'HE-AAC v2' : 'AAC';
  return { codec: `mp4a.40.${type}`, label, rate, channels, samples: short ? 960 : 1024,
    entry: sounding('mp4a', channels || 2, rate, esds(header)) };
}

// ISO 11172-3, 2.4.1.3, and ISO 13818-3: MP3 has no header of its own, the first frame's tells. Browsers take it as it is,
// not in MP4 ("MPEG Audio Byte Stream Format" of Media Source Extensions).
function mp3(frame) {
  const version = frame[1] >> 3 & 3, layer = frame[1] >> 1 & 3, index = frame[2] >> 2 & 3;
  if (frame.length < 4 || frame[0] !== 0xff || frame[1] < 0xe0 || version === 1 || layer !== 1 || index === 3) {
    throw new CodecError('the MP3 audio is broken');
  }
  const rate = [44100, 48000, 32000][index] >> [2, 0, 1, 0][version];
  const channels = frame[3] >> 6 === 3 ? 1 : 2;
  return { mime: 'audio/mpeg', label: 'MP3', rate, channels, samples: version === 3 ? 1152 : 576 };
}

// RFC 7845, 5.1, and "Encapsulation of Opus in ISO Base Media File Format", 4.3.2: the same in big endian.
function opus(header) {
  if (header.length < 19 || String.fromCharCode(...header.subarray(0, 8)) !== 'OpusHead') {
    throw new CodecError('the header of the Opus audio is broken');
  }
  const view = new DataView(header.buffer, header.byteOffset, header.length), channels = header[9];
  const config = box('dOps', [0, channels], u16(view.getUint16(10, true)), u32(view.getUint32(12, true)),
    u16(view.getUint16(16, true)), header.subarray(18));
  return { codec: 'opus', label: 'Opus', rate: 48000, channels, samples: 0, entry: sounding('Opus', channels, 48000, config) };
}

/** How many samples at 48 kHz an Opus packet has: RFC 6716, 3.1 */
export function opusSamples(packet) {
  const config = packet[0] >> 3, code = packet[0] & 3;
  const frame = config < 12 ? [480, 960, 1920, 2880][config & 3] : config < 16 ? [480, 960][config & 1] : 120 << (config & 3);
  return frame * (code === 0 ? 1 : code < 3 ? 2 : Math.max(1, packet[1] & 63));
}

/** Bits of a header, Exp-Golomb numbers too. Behind the end there are zeros, and `over` is set. */
class Bits {
  #bytes;
  #at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  get over() {
    return this.#at > 8 * this.#bytes.length;
  }

  read(count) {
    let value = 0;
    for (; count > 0; count--, this.#at++) {
      value = 2 * value + ((this.#bytes[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7)) & 1);
    }
    return value;
  }

  golomb() {
    let zeros = 0;
    while (!this.read(1) && zeros < 32 && !this.over) zeros++;
    return 2 ** zeros - 1 + this.read(zeros);
  }

  signed() {
    const value = this.golomb();
    return value & 1 ? (value + 1) / 2 : -value / 2;
  }
}

// The size in a sequence parameter set: ITU-T H.264, 7.3.2.1.1; nothing if it is broken.
function avcSize(sps) {
  const bits = new Bits(join([sps.filter((byte, at) => !(byte === 3 && at > 1 && !sps[at - 1] && !sps[at - 2]))]));
  bits.read(8);
  const profile = bits.read(8);
  bits.read(16);
  bits.golomb();
  let chroma = 1, separate = 0;
  if ([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].includes(profile)) {
    chroma = bits.golomb();
    if (chroma === 3) separate = bits.read(1);
    bits.golomb();
    bits.golomb();
    bits.read(1);
    if (bits.read(1)) {
      for (let list = 0; list < (chroma === 3 ? 12 : 8); list++) if (bits.read(1)) scaling(bits, list < 6 ? 16 : 64);
    }
  }
  bits.golomb();
  const order = bits.golomb();
  if (order === 0) {
    bits.golomb();
  } else if (order === 1) {
    bits.read(1);
    bits.signed();
    bits.signed();
    for (let left = bits.golomb(); left > 0 && !bits.over; left--) bits.signed();
  }
  bits.golomb();
  bits.read(1);
  let width = 16 * (bits.golomb() + 1), height = bits.golomb() + 1;
  const frames = bits.read(1);
  height *= 16 * (2 - frames);
  if (!frames) bits.read(1);
  bits.read(1);
  if (bits.read(1)) {
    const [x, y] = separate || chroma === 0 || chroma === 3 ? [1, 1] : chroma === 2 ? [2, 1] : [2, 2];
    width -= x * (bits.golomb() + bits.golomb());
    height -= y * (2 - frames) * (bits.golomb() + bits.golomb());
  }
  return !bits.over && width > 0 && height > 0 && width < 65536 && height < 65536 ? { width, height } : {};
}

function scaling(bits, size) {
  let last = 8, next = 8;
  for (let at = 0; at < size && !bits.over; at++) {
    if (next) next = (last + bits.signed() + 256) % 256;
    if (next) last = next;
  }
}
