// What there is to choose from, by a master playlist: the variants of a stream that the browser can play, and how they are called.

import { Buffer, canPlay } from './live-buffer.js';
import { CANNOT, HlsError, load } from './live-hls-track.js';
import { masterPlaylist } from './live-playlist.js';

/** The best one first: what masterPlaylist says of each, its playlists as `urls`, and its `label`. */
export async function variantsOf(url, { signal, clock }) {
  const text = await load(url, { signal, clock, text: true });
  const all = masterPlaylist(text, url).filter(playable).sort((a, b) => b.height - a.height || b.bandwidth - a.bandwidth);
  if (!all.length) throw new HlsError('this browser can play none of the codecs', CANNOT);
  return all.map(variant => ({ ...variant, label: labelOf(variant, all), urls: [variant.url, variant.audio].filter(Boolean) }));
}

/** Whether the browser can play all that a variant says is in it. */
function playable({ codecs }) {
  if (!canPlay) return true;
  return codecs.split(',').map(codec => codec.trim()).filter(Boolean)
    .every(codec => ['video', 'audio'].some(kind => Buffer.plays(`${kind}/mp4; codecs="${codec}"`)));
}

/** Its name, or the height of the picture, where that tells it from the others; else its bits a second besides. */
function labelOf({ name, height, bandwidth, url }, all) {
  if (name && all.filter(other => other.name === name).length === 1) return name;
  const alike = all.filter(other => other.height === height), lines = height ? `${height}p` : '';
  if (lines && alike.length === 1) return lines;
  const same = alike.filter(other => bits(other.bandwidth) === bits(bandwidth));
  const number = same.length > 1 ? `(${same.findIndex(other => other.url === url) + 1})` : '';
  return `${lines} ${bits(bandwidth)} ${number}`.trim();
}

/** Bits a second, as people say it. */
export function bits(rate) {
  return rate < 1e6 ? `${Math.round(rate / 1000)} kbit/s` : `${(rate / 1e6).toFixed(rate < 1e7 ? 1 : 0)} Mbit/s`;
}
