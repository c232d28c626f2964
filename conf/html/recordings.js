// The recordings page: which streams there are recordings of, when, and a player that begins anywhere.
//
// recordings/ tells the streams, recordings/NAME/ the files of one; recordings/NAME/video.mp4?start=&duration= is a span of time
// as one movie, over the ends of files. recordings-days.js draws the days.

import { Days } from './recordings-days.js';

const $ = id => document.getElementById(id);
const put = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };
const HOUR = 3600e3, EVERY = 10e3;      // a movie is no longer; between two looks
const ROWS = 12;                        // of the table, at first

const query = new URLSearchParams(location.search);
let streams = [], name = query.get('stream'), list = [], recorder = null, rows = ROWS;
let movie = null;                       // { start, pieces: [{ from, to }], lead }
const days = new Days($('days'), play);

function el(tag, text = '', cls = '') {
  const element = document.createElement(tag);
  element.textContent = text;
  if (cls) element.className = cls;
  return element;
}

// ---- words

const two = number => String(number).padStart(2, '0');

function length(seconds) {
  if (seconds === null) return '–';
  const s = Math.round(seconds);
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

function bytes(count) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let at = 0;
  for (; count >= 1000 && at < 4; at++) count /= 1000;
  return `${at && count < 100 ? count.toFixed(1) : Math.round(count)} ${units[at]}`;
}

const day = ms => new Date(ms).toLocaleDateString(undefined, { weekday: 'short', day: 'numeric', month: 'short' });
const clock = ms => new Date(ms).toTimeString().slice(0, 8);
const path = stream => `recordings/${encodeURIComponent(stream)}/`;

// ---- what there is

function trouble(text) {
  $('trouble').hidden = !text;
  put('trouble', text);
}

async function get(url) {
  const answer = await fetch(url, { cache: 'no-store', headers: { Accept: 'application/json' } });
  if (answer.status === 403) throw new Error('The server shows what was recorded to others only.');
  if (answer.status === 404) throw new Error('The configuration has no location /recordings/.');
  if (!answer.ok) throw new Error(`The server does not list its recordings: ${answer.status} ${answer.statusText}.`);
  return answer.json();
}

let timer = 0;

async function look() {
  clearTimeout(timer);
  try {
    streams = await get('recordings/');
    // Those that are recorded keep their places, while one file of theirs follows another.
    streams.sort((a, b) => b.grows - a.grows || (a.grows ? 0 : b.last_begin_unix - a.last_begin_unix) || a.name.localeCompare(b.name, undefined, { numeric: true }));
    if (name === null && streams.length) name = streams[0].name;
    const asked = name;
    const found = asked === null ? [] : await get(path(asked));
    if (asked !== name) return;
    list = found.map(file => ({ ...file, from: 1000 * file.begin_unix, to: 1000 * (file.begin_unix + (file.duration ?? 0)) }));
    trouble('');
  } catch (error) {
    trouble(error.name === 'TypeError' ? 'The server does not answer.' : error.message);
  }
  show();
  timer = setTimeout(look, document.hidden ? 6 * EVERY : EVERY);
}

/** Puts other children in; what had the focus has it again, where `key` names the same. */
function replace(parent, children, key) {
  const held = parent.contains(document.activeElement) ? document.activeElement.dataset[key] : undefined;
  parent.replaceChildren(...children);
  if (held !== undefined) [...parent.querySelectorAll('a, button')].find(one => one.dataset[key] === held)?.focus();
}

/** The files of the recorder that is looked at, the oldest first. */
function own() {
  return list.filter(file => file.recorder === recorder).reverse();
}

function choose(stream) {
  stop();
  [name, list, recorder, rows] = [stream, [], null, ROWS];
  history.replaceState(null, '', `?stream=${encodeURIComponent(stream)}`);
  look();
}

// ---- what is shown

function show() {
  replace($('streams'), streams.map(stream => {
    const li = el('li'), link = el('a'), what = el('span', `${stream.recordings === 1 ? '1 file' : `${stream.recordings} files`} · `);
    link.href = `?stream=${encodeURIComponent(stream.name)}`;
    link.dataset.stream = stream.name;
    if (stream.name === name) link.setAttribute('aria-current', 'true');
    what.append(stream.grows ? el('span', 'recording now', 'rec') : day(1000 * stream.last_begin_unix));
    link.append(el('b', stream.name), what);
    li.append(link);
    return li;
  }), 'stream');
  put('streams-note', streams.length ? '' : 'None.');
  const names = [...new Set(list.map(file => file.recorder))];
  if (!names.includes(recorder)) recorder = names[0] ?? null;
  showRecorders(names.sort());
  days.show(own());
  $('times').hidden = $('files').hidden = !list.length;
  showFiles();
  showHint();
  const at = new URL(path(name ?? 'NAME'), location.href).href;
  put('address-hls', `${at}index.m3u8?start=-3600`);
  put('address-mp4', `curl -L -o hour.mp4 "${at}video.mp4?start=-3600&duration=3600"`);
  put('address-list', `curl ${at}`);
}

function showRecorders(names) {
  const field = $('recorders');
  field.hidden = names.length < 2;
  const now = [...field.querySelectorAll('input')].map(input => input.value).join();
  if (now !== names.join()) {
    field.querySelectorAll('label').forEach(label => label.remove());
    for (const one of names) {
      const label = el('label'), input = el('input');
      [input.type, input.name, input.value] = ['radio', 'recorder', one];
      input.addEventListener('change', () => { stop(); recorder = one; show(); });
      label.append(input, el('span', one || 'own'));
      field.append(label);
    }
  }
  for (const input of field.querySelectorAll('input')) input.checked = input.value === recorder;
}

function showFiles() {
  const files = own().reverse();
  replace($('rows'), files.slice(0, rows).map(file => {
    const row = el('tr'), begin = el('td'), at = el('button', `${day(file.from)} ${clock(file.from)}`), link = el('a', file.file);
    at.type = 'button';
    at.setAttribute('aria-label', `Play from ${day(file.from)} ${clock(file.from)}`);
    at.dataset.of = `play ${file.file}`;
    at.addEventListener('click', () => play(file.from));
    begin.append(at);
    link.href = path(name) + file.url;
    link.download = file.file;
    link.dataset.of = `save ${file.file}`;
    const last = el('td');
    last.append(link);
    const long = el('td', file.grows ? '' : length(file.duration), 'n');
    if (file.grows) long.append(el('span', 'recording', 'rec'));
    row.append(begin, long, el('td', bytes(file.size), 'n'), el('td', file.format), last);
    return row;
  }), 'of');
  $('more').hidden = files.length <= rows;
}

function showHint() {
  const words = !streams.length ? ['Nothing has been recorded here.', 'How to keep what is published is told below; what is published is seen on the live page.']
    : !list.length ? ['Of this stream there is nothing any more.', '']
    : movie ? null
    : ['Choose a moment below.', ''];
  $('hint').hidden = !words;
  put('hint-text', words?.[0] ?? '');
  put('hint-more', words?.[1] ?? '');
}

// ---- playing

function stop() {
  movie = null;
  $('video').removeAttribute('src');
  $('video').load();
  $('steps').hidden = true;
  put('when', ' ');
  days.mark(null);
}

/** Plays from a moment on, or from the next one at which there is something. */
function play(ms) {
  const files = own().filter(file => file.to > ms);
  if (!files.length) return;
  const start = Math.max(ms, files[0].from), end = Math.min(start + HOUR, files.at(-1).to);
  const pieces = files.filter(file => file.from < end).map(({ from, to }) => ({ from: Math.max(from, start), to: Math.min(to, end) }));
  movie = { start, end, pieces, lead: 0 };
  const args = `start=${(start / 1000).toFixed(3)}&duration=${((end - start) / 1000).toFixed(3)}&recorder=${encodeURIComponent(recorder)}`;
  $('video').src = `${path(name)}video.mp4?${args}`;
  $('video').play().catch(() => {});
  $('steps').hidden = false;
  showHint();
  tell();
}

/** When what is seen now was: in the movie time runs on where there is nothing in between. */
function now() {
  let left = 1000 * $('video').currentTime - movie.lead;
  for (const { from, to } of movie.pieces) {
    if (left <= to - from) return from + left;
    left -= to - from;
  }
  return movie.end;
}

function tell() {
  if (!movie) return;
  const ms = now(), when = $('when');
  if (when.dataset.ms !== String(Math.floor(ms / 1000))) {
    when.dataset.ms = String(Math.floor(ms / 1000));
    when.replaceChildren(el('span', `${name} · ${day(ms)} `, 'soft'), clock(ms));
    const minute = `${path(name)}video.mp4?start=${Math.floor(ms / 1000)}&duration=60&recorder=${encodeURIComponent(recorder)}`;
    $('clip').href = minute;
    $('clip').download = `${name.replaceAll('/', '_')}-${new Date(ms).toISOString().slice(0, 19).replaceAll(':', '-')}.mp4`;
  }
  days.mark(ms);
}

$('video').addEventListener('timeupdate', tell);
$('video').addEventListener('loadedmetadata', () => {
  // It begins with a key frame: a little earlier than was asked for.
  const wanted = movie?.pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  const more = 1000 * $('video').duration - wanted;
  if (movie && more > 0 && more < 20e3) movie.lead = more;
  tell();
});
$('video').addEventListener('ended', async () => {
  const ended = movie;
  if (!ended) return;
  // What was recorded meanwhile is not known yet.
  if (!own().some(file => file.to > ended.end + 1)) await look();
  if (movie === ended) play(ended.end + 1);
});
$('video').addEventListener('error', () => {
  if (movie && $('video').getAttribute('src')) trouble('This part cannot be played here. It may be of a codec that this browser does not know, or be gone.');
});
$('video').addEventListener('playing', () => trouble(''));

$('steps').addEventListener('click', event => {
  const by = Number(event.target.dataset.by);
  if (!by || !movie) return;
  const ms = now() + 1000 * by, video = $('video'), to = video.currentTime + by;
  for (let at = 0; at < video.buffered.length; at++) {
    if (to >= video.buffered.start(at) && to < video.buffered.end(at)) {
      video.currentTime = to;
      return;
    }
  }
  play(Math.max(ms, own()[0]?.from ?? ms));
});
$('streams').addEventListener('click', event => {
  const link = event.target.closest('a');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(link.dataset.stream);
});
$('more').addEventListener('click', () => { rows += 50; showFiles(); });
document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
look();
