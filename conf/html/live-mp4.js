// Fragmented MP4 (ISO 14496-12): the boxes before the first frame, and those around each batch of frames.

export const u16 = n => [n >> 8 & 255, n & 255];
export const u32 = n => [n >>> 24, n >> 16 & 255, n >> 8 & 255, n & 255];

/** One array of several. */
export function join(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const letters = name => [...name].map(letter => letter.charCodeAt(0));

export function box(name, ...parts) {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  return join([u32(size), letters(name), ...parts]);
}

export const full = (name, version, flags, ...parts) => box(name, u32(version << 24 | flags), ...parts);
const zeros = count => new Uint8Array(count);
const UNITY = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000].flatMap(u32);

/** The descriptor of AAC: ISO 14496-1, 7.2.6.5 */
export function esds(config) {
  const tag = (number, ...parts) => {
    const body = join(parts);
    return join([[number, 0x80, 0x80, body.length >> 7 | 0x80, body.length & 0x7f], body]);
  };
  const decoder = tag(4, [0x40, 0x15], zeros(11), tag(5, config));
  return full('esds', 0, 0, tag(3, [0, 0, 0], decoder, tag(6, [2])));
}

/** What goes before the first batch of a track: `{ entry, width, height }`, in units of 1/`scale` seconds. */
export function initSegment({ entry, width = 0, height = 0 }, kind, scale) {
  const isVideo = kind === 'video';
  const tkhd = full('tkhd', 0, 3, u32(0), u32(0), u32(1), u32(0), u32(0), zeros(8), u16(0), u16(0), u16(isVideo ? 0 : 0x100), u16(0),
    UNITY, u32(width << 16), u32(height << 16));
  const mdhd = full('mdhd', 0, 0, u32(0), u32(0), u32(scale), u32(0), u16(0x55c4), u16(0));
  const hdlr = full('hdlr', 0, 0, u32(0), letters(isVideo ? 'vide' : 'soun'), zeros(12), [0]);
  const header = isVideo ? full('vmhd', 0, 1, zeros(8)) : full('smhd', 0, 0, zeros(4));
  const stbl = box('stbl', full('stsd', 0, 0, u32(1), entry), full('stts', 0, 0, u32(0)), full('stsc', 0, 0, u32(0)),
    full('stsz', 0, 0, u32(0), u32(0)), full('stco', 0, 0, u32(0)));
  const minf = box('minf', header, box('dinf', full('dref', 0, 0, u32(1), full('url ', 0, 1))), stbl);
  const mvhd = full('mvhd', 0, 0, u32(0), u32(0), u32(1000), u32(0), u32(0x10000), u16(0x100), zeros(10), UNITY, zeros(24), u32(2));
  return join([
    box('ftyp', letters('iso6'), u32(1), letters('iso6mp41')),
    box('moov', mvhd, box('trak', tkhd, box('mdia', mdhd, hdlr, minf)),
      box('mvex', full('trex', 0, 0, u32(1), u32(1), u32(0), u32(0), u32(0)))),
  ]);
}

const KEY = 0x2000000, NO_KEY = 0x1010000;       // depends on no other; depends, and is no sync sample
const RUN = 0xf01;                              // for each frame: duration, size, flags, offset; one data offset

/** A batch: `samples` are `{ key, duration, shift, data }`, the first at `time`. */
export function mediaSegment(sequence, time, samples) {
  const trun = 20 + 16 * samples.length, traf = 8 + 16 + 20 + trun, moof = 8 + 16 + traf;
  const data = samples.reduce((sum, sample) => sum + sample.data.length, 0);
  const bytes = new Uint8Array(moof + 8 + data), view = new DataView(bytes.buffer);
  let at = 0;
  const put = number => { view.setUint32(at, number); at += 4; };
  const begin = (size, name) => { put(size); bytes.set(letters(name), at); at += 4; };
  begin(moof, 'moof');
  begin(16, 'mfhd'); put(0); put(sequence);
  begin(traf, 'traf');
  begin(16, 'tfhd'); put(0x20000); put(1);      // offsets count from the moof
  begin(20, 'tfdt'); put(1 << 24); put(Math.floor(time / 2 ** 32)); put(time % 2 ** 32);
  begin(trun, 'trun'); put(1 << 24 | RUN); put(samples.length); put(moof + 8);
  for (const { duration, data, key, shift } of samples) {
    put(duration);
    put(data.length);
    put(key ? KEY : NO_KEY);
    view.setInt32(at, shift);
    at += 4;
  }
  begin(8 + data, 'mdat');
  for (const sample of samples) {
    bytes.set(sample.data, at);
    at += sample.data.length;
  }
  return bytes;
}
