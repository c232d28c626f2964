// Playlists of HLS: RFC 8216 and draft-pantos-hls-rfc8216bis (low latency, delta updates).

/** What cannot be played, or is no playlist. */
export class PlaylistError extends Error {}

/** `KEY=VALUE,KEY="VALUE"` */
function attributes(text) {
  const all = {};
  for (const [, key, quoted, plain] of text.matchAll(/([A-Z0-9-]+)=(?:"([^"]*)"|([^,]*))/g)) all[key] = quoted ?? plain;
  return all;
}

function* lines(text) {
  if (!text.startsWith('#EXTM3U')) throw new PlaylistError('the server’s answer is no playlist');
  for (const line of text.split(/\r?\n/)) {
    if (!line) continue;
    if (!line.startsWith('#')) yield ['', line];
    else if (line.startsWith('#EXT')) yield [line.split(':', 1)[0], line.slice(line.indexOf(':') + 1)];
  }
}

/** What there is to choose from, as addresses: `[{ name, bandwidth, width, height, rate, codecs, url, audio }]`. */
export function masterPlaylist(text, base) {
  const sounds = new Map(), variants = [];
  let next = null;
  for (const [tag, value] of lines(text)) {
    const told = attributes(value);
    if (tag === '#EXT-X-MEDIA' && told.TYPE === 'AUDIO' && told.URI && !sounds.has(told['GROUP-ID'])) {
      sounds.set(told['GROUP-ID'], new URL(told.URI, base).href);
    }
    if (tag === '#EXT-X-STREAM-INF') {
      const [width, height] = (told.RESOLUTION ?? '').split('x').map(side => Number(side) || 0);
      next = { name: told.NAME ?? '', bandwidth: Number(told.BANDWIDTH) || 0, width, height: height ?? 0,
        rate: Number(told['FRAME-RATE']) || null, codecs: told.CODECS ?? '', group: told.AUDIO };
    }
    if (!tag && next) {
      variants.push({ ...next, url: new URL(value, base).href });
      next = null;
    }
  }
  if (!variants.length) throw new PlaylistError('nothing is in the master playlist');
  return variants.map(variant => ({ ...variant, audio: sounds.get(variant.group) ?? null }));
}

/**
 * A media playlist: `segments` are `{ msn, url, duration, wall, run, map, gap, parts }`, times in seconds, `wall` in ms; one that
 * is not whole has no `url`. Segments of one `run` have one clock. `known` is what a delta update adds to; null comes of one
 * that does not fit to it.
 */
export function mediaPlaylist(text, base, known = null) {
  const list = { target: 0, partTarget: 0, blocks: false, holdBack: 0, partHoldBack: 0, skipUntil: 0, sequence: 0, ended: false,
    encrypted: false, segments: [] };
  let run = 0, map = null, wall = null, open = null;
  const segment = () => open ??= { msn: list.sequence + list.segments.length, url: null, duration: 0, gap: false, parts: [] };
  const close = () => {
    const before = list.segments.at(-1);
    wall ??= before ? before.wall + 1000 * before.duration : null;
    list.segments.push({ ...open, run, map, wall });
    wall = open = null;
  };
  for (const [tag, value] of lines(text)) {
    switch (tag) {
      case '#EXT-X-TARGETDURATION': list.target = Number(value); break;
      case '#EXT-X-PART-INF': list.partTarget = Number(attributes(value)['PART-TARGET']) || 0; break;
      case '#EXT-X-SERVER-CONTROL': control(list, attributes(value)); break;
      case '#EXT-X-MEDIA-SEQUENCE': list.sequence = Number(value); break;
      case '#EXT-X-DISCONTINUITY-SEQUENCE': run = Number(value); break;
      case '#EXT-X-DISCONTINUITY': run++; break;
      case '#EXT-X-MAP': map = new URL(attributes(value).URI, base).href; break;
      case '#EXT-X-KEY': list.encrypted ||= attributes(value).METHOD !== 'NONE'; break;
      case '#EXT-X-PROGRAM-DATE-TIME': wall = Date.parse(value); break;
      case '#EXT-X-GAP': segment().gap = true; break;
      case '#EXTINF': segment().duration = parseFloat(value); break;
      case '#EXT-X-ENDLIST': list.ended = true; break;
      case '#EXT-X-PART': {
        const { URI, DURATION, INDEPENDENT, GAP } = attributes(value);
        segment().parts.push({ url: new URL(URI, base).href, duration: Number(DURATION), independent: INDEPENDENT === 'YES', gap: GAP === 'YES' });
        break;
      }
      case '#EXT-X-SKIP': {
        const count = Number(attributes(value)['SKIPPED-SEGMENTS']);
        const from = known ? list.sequence - known.sequence : -1, kept = known?.segments.slice(from, from + count) ?? [];
        if (from < 0 || kept.length !== count || kept.some(segment => !segment.url)) return null;
        list.segments.push(...kept);
        ({ run, map } = kept.at(-1) ?? { run, map });
        break;
      }
      case '': segment().url = new URL(value, base).href; close(); break;
    }
  }
  if (open?.parts.length) {
    open.duration = open.parts.reduce((sum, part) => sum + part.duration, 0);
    close();
  }
  if (!(list.target > 0)) throw new PlaylistError('the playlist has no target duration');
  return list;
}

function control(list, told) {
  list.blocks = told['CAN-BLOCK-RELOAD'] === 'YES';
  list.holdBack = Number(told['HOLD-BACK']) || 0;
  list.partHoldBack = Number(told['PART-HOLD-BACK']) || 0;
  list.skipUntil = Number(told['CAN-SKIP-UNTIL']) || 0;
}
