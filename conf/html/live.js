// The live page: the list of streams, the player, and its figures.
//
// live-player.js keeps at the live edge; live-worker.js gets the stream and rewraps it (live-flv.js,
// live-codecs.js, live-remux.js, live-mp4.js); live-buffer.js feeds the browser; live-streams.js knows what runs. By HLS the
// same is done by live-hls.js, with live-hls-choice.js, live-hls-tracks.js, live-hls-track.js, live-playlist.js, live-fmp4.js,
// live-runs.js, live-edge.js, live-variants.js, live-quality.js and live-clock.js; live-ways.js is the switch, live-qualities.js
// the other one, live-timeline.js the way back.

import { Graph } from './live-graph.js';
import { HlsPlayer, canPlayHls } from './live-hls.js';
import { Player, canPlay } from './live-player.js';
import { Qualities } from './live-qualities.js';
import { Streams } from './live-streams.js';
import { Timeline } from './live-timeline.js';
import { Ways } from './live-ways.js';

const $ = id => document.getElementById(id);
const put = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };
const NOTES = 60, STEP = 500;           // of the log; ms between values of the graphs
// As the server has it: up to 160 bytes without control characters, and no name is a name.
const isName = text => text !== null && !/[\0-\x1f\x7f]/.test(text) && new TextEncoder().encode(text).length <= 160;
const called = name => name || '(no name)';

const query = new URLSearchParams(location.search);
const transport = query.get('transport') === 'http' ? 'http' : 'auto';
let name = isName(query.get('stream')) ? query.get('stream') : null;       // null: none is chosen
let player = null;
const players = {};

function el(tag, text, cls = '') {
  const element = document.createElement(tag);
  element.textContent = text;
  if (cls) element.className = cls;
  return element;
}

// ---- what happens

function note(kind, text) {
  const li = el('li', '', kind);
  li.append(el('time', new Date().toTimeString().slice(0, 8)), el('b', kind), el('span', text));
  $('line').prepend(li);
  while ($('line').childElementCount > NOTES) $('line').lastChild.remove();
}

// Each track has its own, and the stream: what one does well does not make good what another cannot.
const problems = {};

function problem(about, text) {
  problems[about] = text;
  const all = ['stream', 'video', 'audio'].map(about => problems[about]).filter(Boolean);
  $('problem').hidden = !all.length;
  put('problem', all.join(' '));
  show();
}

// ---- the streams

const streams = new Streams(listed, happened);

function listed() {
  const list = streams.list;
  if (name === null && list.length) choose(list[0].name, false);
  const rows = list.map(stream => {
    const link = el('a', '');
    link.href = address(stream.name);
    link.dataset.stream = stream.name;
    if (stream.name === name) link.setAttribute('aria-current', 'true');
    const { width, height, codec } = stream.video ?? {};
    const what = width ? `${width}×${height}` : codec ?? (stream.audio ? 'audio only' : '');
    const viewers = stream.viewers === 1 ? '1 viewer' : `${stream.viewers} viewers`;
    link.append(el('b', called(stream.name)), el('span', [what, viewers].filter(Boolean).join(' · ')));
    const li = el('li', '');
    li.append(link);
    return li;
  });
  const focused = document.activeElement?.dataset?.stream;
  $('streams').replaceChildren(...rows);
  if (focused !== undefined) $('streams').querySelector(`a[data-stream="${CSS.escape(focused)}"]`)?.focus();
  put('streams-note', streams.state === 'closed' ? 'The list does not follow: there is no event stream at events/live.'
    : !streams.configured ? `The server has no application “${streams.app}”, whose streams this page plays.`
    : list.length ? '' : 'No stream. One that begins is shown here at once.');
  if (player) player.running = streams.known && name !== null ? streams.has(name) : null;
  instructions();
  show();
}

function happened(type, stream) {
  if (stream !== name) return;
  if (type === 'publish') {
    note('publish', `${called(stream)} has begun`);
    player?.hurry();
  }
  if (type === 'unpublish') note('unpublish', `${called(stream)} has ended`);
}

$('streams').addEventListener('click', event => {
  const link = event.target.closest('a');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.dataset.stream !== name) choose(link.dataset.stream, true);
});

addEventListener('popstate', () => {
  const wanted = new URLSearchParams(location.search).get('stream');
  if (isName(wanted) && wanted !== name) choose(wanted, false);      // else it was a place in the page
});

const address = stream => `?${new URLSearchParams({ ...Object.fromEntries(query), stream })}${ways.hash}`;

function choose(wanted, push) {
  name = wanted;
  if (push) history.pushState(null, '', address(name));
  play();
  listed();
}

// ---- the player

const video = $('video');
const say = { note, problem, changed: show };
const timeline = new Timeline($('timeline'));
const ways = new Ways($('ways'), { websocket: canPlay, 'll-hls': canPlayHls, hls: canPlayHls }, () => {
  if (name !== null) play();
  else show();
});

const qualities = new Qualities($('qualities'), wish => { if (player) player.wish = wish; });

/** The player of the chosen way; the other one lets go of the video. */
function turn() {
  const make = ways.way === 'websocket' ? Player : HlsPlayer;
  if (player instanceof make) return;
  player?.stop();
  player = players[make.name] ??= new make(video, say);
  player.wish = qualities.wish;
}

function play() {
  turn();
  for (const about of Object.keys(problems)) problem(about, '');
  Object.values(graphs).forEach(graph => graph.clear());
  player.running = streams.known ? streams.has(name) : null;
  const stream = encodeURIComponent(name);
  if (ways.way === 'websocket') player.play(new URL(`live/${stream}.flv`, location).href, transport);
  else player.play(new URL(`hls/${stream}/index.m3u8`, location).href, ways.way === 'hls' ? 'plain' : 'low');
  document.title = `${called(name)} · Live · rserve`;
}

const STATES = { idle: ['closed', 'not connected'], connecting: ['connecting', 'connecting'], waiting: ['connecting', 'waiting'],
  playing: ['open', 'playing'], paused: ['closed', 'paused'] };

function show() {
  $('figures').hidden = $('graphs').hidden = name === null;
  if (!player) return;
  const { about, state } = player, [dot, text] = STATES[state];
  $('state').dataset.state = dot;
  put('state', text);
  put('transport', player.transport || '–');
  put('way-note', ways.note);
  qualities.show(player);
  $('quality').hidden = qualities.isHidden;
  const { video: picture, audio: sound, rate } = about;
  put('picture', picture ? `${picture.label} ${picture.width}×${picture.height}${rate ? ` ${Math.round(100 * rate) / 100}/s` : ''}` : '–');
  put('sound', sound ? `${sound.label} ${sound.rate / 1000} kHz` : '–');
  $('unmute').hidden = !(sound && video.muted && state !== 'idle');
  stage(picture, sound);
}

$('unmute').addEventListener('click', () => {
  video.muted = false;
  if (!video.volume) video.volume = 1;
  video.play().catch(() => {});
});
video.addEventListener('volumechange', show);

/** What stands in the stage where there is no picture. */
function stage(picture, sound) {
  const nobody = !picture && !sound && $('problem').hidden && (name === null || player.running !== true);
  const heard = sound && !picture && ['playing', 'paused'].includes(player.state);
  $('hint').hidden = !nobody;
  put('hint-text', name === null ? 'Nobody publishes a stream.' : `Nobody publishes ${called(name)}. It is played here when it begins.`);
  $('instead').hidden = nobody || picture || !(heard || problems.video || problems.stream);
  put('instead', problems.stream || problems.video || 'Sound only: this stream has no picture.');
}

// ---- the figures

const graphs = {
  latency: new Graph($('latency-graph'), { tops: [0.5, 1, 2, 3, 5, 10, 30, 60], text: top => `${top} s` }),
  bitrate: new Graph($('bitrate-graph'), { tops: [0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100], text: top => `${top} Mbit/s` }),
  dropped: new Graph($('dropped-graph'), { tops: [10, 20, 50, 100, 200], text: top => `${top}`, bars: true, mark: true }),
};
const last = { bytes: [], dropped: 0 };

function measure() {
  const seconds = number => `${number.toFixed(2)} s`;
  const { latency } = player;
  graphs.latency.add(latency === null ? null : Math.max(0, latency));
  put('latency', latency === null ? '–' : seconds(Math.max(0, latency)));

  // Over two seconds: key frames are large.
  last.bytes.push([performance.now(), player.received]);
  if (last.bytes.length > 5) last.bytes.shift();
  const [[from, before], [to, after]] = [last.bytes[0], last.bytes[last.bytes.length - 1]];
  const rate = to > from ? 8 * (after - before) / (to - from) / 1000 : 0;
  graphs.bitrate.add(player.state === 'idle' || last.bytes.length < 3 ? null : rate);
  put('bitrate', player.state === 'idle' ? '–' : rate < 1 ? `${Math.round(1000 * rate)} kbit/s` : `${rate.toFixed(1)} Mbit/s`);

  const { droppedVideoFrames: dropped, totalVideoFrames: total } = video.getVideoPlaybackQuality();
  graphs.dropped.add(Math.max(0, dropped - last.dropped));
  last.dropped = dropped;
  put('dropped', total ? `${dropped} of ${total}` : '–');

  put('ahead', player.ahead ? `${seconds(player.ahead)}${video.playbackRate === 1 ? '' : ` ×${video.playbackRate}`}` : '–');
  timeline.show(player);
  put('quality-note', qualities.note);
  put('faults', `${player.stalls} · ${player.seeks} · ${player.reconnects}`);
  if (!document.hidden) Object.values(graphs).forEach(graph => graph.draw());
}

// ---- the beginning

/** How to publish: where the server listens, and under the name that is waited for. */
function instructions() {
  const port = streams.port === 1935 ? '' : `:${streams.port}`;
  const server = `rtmp://${location.hostname || 'localhost'}${port}/${streams.app}`, key = name || 'test';
  const quoted = /^[\w.:/-]+$/.test(key) ? `${server}/${key}` : `'${server}/${key.replaceAll("'", "'\\''")}'`;
  put('command', `ffmpeg -re \\
  -f lavfi -i testsrc2=size=1280x720:rate=30 \\
  -f lavfi -i sine=frequency=330 \\
  -c:v libx264 -preset veryfast -b:v 2500k \\
  -tune zerolatency -pix_fmt yuv420p -g 60 \\
  -c:a aac -f flv \\
  ${quoted}`);
  put('obs-server', server);
  put('obs-key', key);
}

instructions();
if (ways.way) {
  turn();
  if (name !== null) play();
  listed();
  setInterval(measure, STEP);
} else {
  problem('stream', 'This browser has neither Media Source Extensions nor HLS of its own: it cannot play this.');
}
