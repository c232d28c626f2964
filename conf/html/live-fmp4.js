// Reads fragmented MP4 (ISO 14496-12): what is in an init segment, and when a fragment begins.

import { CodecError, audioTrack, videoTrack } from './live-codecs.js';

const four = (bytes, at) => String.fromCharCode(...bytes.subarray(at, at + 4));
const viewOf = bytes => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** The boxes in `bytes`, by name; of those with the same name the first. */
function boxes(bytes) {
  const all = {}, view = viewOf(bytes);
  for (let at = 0; at + 8 <= bytes.length;) {
    const size = view.getUint32(at) || bytes.length - at;
    if (size < 8 || at + size > bytes.length) break;
    all[four(bytes, at + 4)] ??= bytes.subarray(at + 8, at + size);
    at += size;
  }
  return all;
}

/** The box at the end of a path; nothing if it is not there. */
const find = (bytes, ...path) => path.reduce((inner, name) => inner && boxes(inner)[name], bytes);

// A header box, whose times are of 64 bits in version 1.
const scaleOf = mdhd => viewOf(mdhd).getUint32(mdhd[0] === 1 ? 20 : 12);

// What stands before the boxes in a sample entry: 14496-12, 12.1.3 and 12.2.3.
const VISUAL = 78, SOUNDING = 28;
const VIDEO = { avc1: ['avc', 'avcC'], avc3: ['avc', 'avcC'], hvc1: ['hevc', 'hvcC'], hev1: ['hevc', 'hvcC'], av01: ['av1', 'av1C'], vp09: ['vp9', 'vpcC'] };
const OTHERS = { Opus: ['opus', 'Opus'], fLaC: ['flac', 'FLAC'], 'ac-3': ['ac-3', 'AC-3'], 'ec-3': ['ec-3', 'E-AC-3'] };

/** The track of an init segment: `{ kind, mime, scale, label, width, height, rate, channels }`. */
export function initTrack(bytes) {
  const mdia = find(bytes, 'moov', 'trak', 'mdia'), stsd = mdia && find(mdia, 'minf', 'stbl', 'stsd'), mdhd = mdia && boxes(mdia).mdhd;
  if (!stsd || stsd.length < 16 || !mdhd || mdhd.length < 20) throw new CodecError('the init segment is broken');
  const name = four(stsd, 12), entry = stsd.subarray(16), scale = scaleOf(mdhd);
  if (VIDEO[name]) {
    const [codec, config] = VIDEO[name], header = find(entry.subarray(VISUAL), config);
    const size = viewOf(entry), told = { width: size.getUint16(24), height: size.getUint16(26) };
    const track = videoTrack(codec, header ?? new Uint8Array(0), told);
    const { label, width, height } = track;
    return { kind: 'video', mime: `video/mp4; codecs="${track.codec.replace(/^hvc1/, name)}"`, scale, label, width, height };
  }
  const sound = { kind: 'audio', scale, rate: scale, channels: viewOf(entry).getUint16(16) };
  if (name === 'mp4a') return { ...sound, ...ofDescriptor(find(entry.subarray(SOUNDING), 'esds')) };
  if (!OTHERS[name]) throw new CodecError(`this player cannot play ${name}`);
  const [codec, label] = OTHERS[name];
  return { ...sound, mime: `audio/mp4; codecs="${codec}"`, label };
}

// ISO 14496-1, 7.2.6: descriptors in descriptors; 3 has 3 bytes of its own, 4 has 13, 5 is the decoder's.
function ofDescriptor(esds) {
  let at = 4, object = 0;
  for (const [tag, own] of [[3, 3], [4, 13], [5, 0]]) {
    if (esds?.[at] !== tag) break;
    do at++; while (esds[at] & 0x80);
    const size = esds[at++];
    if (tag === 4) object = esds[at];
    if (tag === 4 && (object === 0x69 || object === 0x6b)) return { mime: 'audio/mp4; codecs="mp4a.6B"', label: 'MP3' };
    if (tag === 5) {
      const { codec, label, rate, channels } = audioTrack('aac', esds.subarray(at, at + size));
      return { mime: `audio/mp4; codecs="${codec}"`, label, rate, channels };
    }
    at += own;
  }
  throw new CodecError('the header of the audio is broken');
}

/** When the first fragment in `bytes` begins, in the units of its track; null if that is not told. */
export function beginOf(bytes) {
  const tfdt = find(bytes, 'moof', 'traf', 'tfdt');
  if (!tfdt || tfdt.length < 8) return null;
  const view = viewOf(tfdt);
  return tfdt[0] === 1 ? Number(view.getBigUint64(4)) : view.getUint32(4);
}
