// Starts the video at the second in the address (player.html?60 or ?sec=60), and shows the bytes behind it.
'use strict';
const $ = id => document.getElementById(id);
const video = $('video');
const FILE = video.getAttribute('src');
const KEEP = 14;                        // rows in the table
let size = 0;                           // of the file, from Content-Range
let index = null;                       // from the file's moov box: [{ t, from, to }], one for each key frame

const clock = t => Math.floor(t / 60) + ':' + String(Math.floor(t % 60)).padStart(2, '0');
const bytes = n => n.toLocaleString('en').replaceAll(',', '\u2009');

function piece(bar, from, to, cls = '') {
  const i = document.createElement('i');
  i.className = cls;
  i.style.left = from * 100 + '%';
  i.style.width = (to - from) * 100 + '%';
  bar.append(i);
  return i;
}

// ---- where to start

function wanted() {
  const query = new URLSearchParams(location.search);
  const text = query.get('sec') ?? query.keys().next().value ?? '';
  const m = /^(?:(\d+):)?(\d+(?:\.\d+)?)$/.exec(text);
  return m ? Number(m[1] || 0) * 60 + Number(m[2]) : 0;
}

const start = wanted();
let homing = start > 0;                 // until the first seek is done
function goToStart() {
  if (homing) video.currentTime = Math.min(start, Math.max(0, video.duration - 0.1));
  $('scale-end').textContent = clock(video.duration);
  drawBuffered();
  if (!homing) inspect();
}
for (const button of document.querySelectorAll('#chapters button')) {
  button.addEventListener('click', () => {
    video.currentTime = Number(button.dataset.t);
    history.replaceState(null, '', '?' + button.dataset.t);
  });
}

function drawPosition() {
  const t = video.currentTime;
  let now = null;
  for (const b of document.querySelectorAll('#chapters button')) {
    b.removeAttribute('aria-current');
    if (Number(b.dataset.t) <= t + 0.05) now = b;
  }
  if (now) now.setAttribute('aria-current', 'true');
  heads.time.style.left = (video.duration ? t / video.duration : 0) * 100 + '%';
  const at = partAt(t);
  heads.byte.style.left = (size ? at.from / size : 0) * 100 + '%';
}

// ---- what the video element holds

const heads = { time: piece($('buffered'), 0, 0, 'head'), byte: piece($('filemap'), 0, 0, 'head') };

function drawBuffered() {
  const bar = $('buffered'), held = [];
  bar.replaceChildren();
  if (video.duration) {
    for (let k = 0; k < video.buffered.length; k++) {
      const a = video.buffered.start(k), b = video.buffered.end(k);
      held.push(clock(a) + '–' + clock(b));
      piece(bar, a / video.duration, b / video.duration);
    }
  }
  bar.append(heads.time);
  $('buffered-text').textContent = held.join(', ') || 'nothing yet';
  drawPosition();
}
for (const name of ['progress', 'timeupdate', 'seeking', 'seeked', 'suspend', 'canplay']) {
  video.addEventListener(name, drawBuffered);
}

// ---- the table and the bar of the file

const shown = [];
function row(r) {
  if (r.from !== undefined && r.own) {
    const bar = $('filemap');
    bar.querySelectorAll('.last').forEach(i => i.classList.remove('last'));
    if (size) bar.insertBefore(piece(bar, r.from / size, (r.to + 1) / size, 'r last'), heads.byte);
    shown.push(r);
    $('ranges-text').textContent = `${shown.length} requests, ${bytes(shown.reduce((n, s) => n + s.got, 0))} of ${bytes(size)} bytes`;
  }
  const tr = document.createElement('tr');
  tr.setAttribute('role', 'row');
  Object.assign(tr.dataset, { source: r.own ? 'inspector' : 'video', status: r.status || '', bytes: r.got ?? '' });
  const cell = (cls, text) => {
    const td = document.createElement('td');
    td.setAttribute('role', 'cell');
    td.className = cls;
    td.textContent = text;
    tr.append(td);
    return td;
  };
  cell('method', r.method);
  cell('range', r.asked);
  cell('status' + (r.status === 206 ? ' good' : r.status ? ' bad' : ''), r.status || '–');
  cell('cr', r.said);
  cell('bytes n', r.got === undefined ? '–' : bytes(r.got));
  cell('ms n', r.ms.toFixed(r.ms < 10 ? 1 : 0));
  cell('why', r.why);
  const part = cell('part', '');
  if (r.from !== undefined && size) {
    const bar = document.createElement('div');
    bar.className = 'bar thin';
    piece(bar, r.from / size, (r.to + 1) / size, 'r last');
    part.append(bar);
  }
  const body = $('ranges-body');
  body.prepend(tr);
  while (body.rows.length > KEEP) body.lastChild.remove();
}

async function get(from, to, why) {
  const asked = `bytes=${from}-${to}`, t0 = performance.now();
  const answer = await fetch(FILE, { headers: { Range: asked }, cache: 'no-store' });
  const data = await answer.arrayBuffer();
  const ms = performance.now() - t0;
  const said = answer.headers.get('content-range') || '';
  const m = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(said);
  if (m) { size = Number(m[3]); from = Number(m[1]); to = Number(m[2]); }
  else { size = data.byteLength; from = 0; to = size - 1; why += ': no range in the answer'; }
  $('scale-size').textContent = bytes(size);
  row({ own: true, method: 'GET', asked, status: answer.status, said: said || '–', got: data.byteLength, ms, why, from, to });
  return { view: new DataView(data), from };
}

// ---- the index of an MP4 file (ISO 14496-12): which bytes hold which second

function boxes(v, at, end) {
  const found = {};
  while (at + 8 <= end) {
    const length = v.getUint32(at);
    const name = String.fromCharCode(v.getUint8(at + 4), v.getUint8(at + 5), v.getUint8(at + 6), v.getUint8(at + 7));
    (found[name] ??= []).push({ at: at + 8, end: at + length, start: at, length });
    if (length < 8) break;
    at += length;
  }
  return found;
}

function readIndex(v, at, end) {
  const inside = (box, name) => boxes(v, box.at, box.end)[name][0];
  const moov = { at: at + 8, end };
  for (const trak of boxes(v, moov.at, moov.end).trak) {
    const mdia = inside(trak, 'mdia'), hdlr = inside(mdia, 'hdlr');
    if (v.getUint32(hdlr.at + 8) !== 0x76696465) continue;               // 'vide'
    const mdhd = inside(mdia, 'mdhd'), scale = v.getUint32(mdhd.at + (v.getUint8(mdhd.at) ? 20 : 12));
    const stbl = inside(inside(mdia, 'minf'), 'stbl');
    const words = (name, skip, count) => {
      const box = inside(stbl, name), list = [];
      for (let k = 0; k < count(v.getUint32(box.at + skip - 4)); k++) list.push(v.getUint32(box.at + skip + 4 * k));
      return list;
    };
    const times = words('stts', 8, n => 2 * n), keys = words('stss', 8, n => n);
    const runs = words('stsc', 8, n => 3 * n), chunks = words('stco', 8, n => n);
    const stsz = inside(stbl, 'stsz'), one = v.getUint32(stsz.at + 4), total = v.getUint32(stsz.at + 8);
    const samples = [];
    let t = 0;
    for (let k = 0; k < times.length; k += 2) {
      for (let n = times[k]; n--; t += times[k + 1]) samples.push({ t: t / scale });
    }
    let s = 0;
    chunks.forEach((offset, c) => {
      let r = 0;
      while (r + 3 < runs.length && runs[r + 3] <= c + 1) r += 3;
      for (let n = runs[r + 1]; n-- && s < total; s++) {
        samples[s].from = offset;
        offset += one || v.getUint32(stsz.at + 12 + 4 * s);
        samples[s].to = offset - 1;
      }
    });
    return keys.map((key, k) => {
      const group = samples.slice(key - 1, (keys[k + 1] || total + 1) - 1);
      return { t: group[0].t, from: group[0].from, to: group[group.length - 1].to };
    });
  }
  return null;
}

async function loadIndex() {
  const first = await get(0, 1023, 'where is the index?');
  const top = boxes(first.view, 0, first.view.byteLength);
  if (!top.moov) return;
  const { start: a, length } = top.moov[0];
  const { view, from } = await get(a, a + length - 1, 'the index (moov)');
  index = readIndex(view, a - from, a - from + length);
}

function partAt(t) {
  if (index) return index.findLast(g => g.t <= t + 0.001) || index[0];
  const share = video.duration ? t / video.duration : 0;                 // no index: a guess
  const from = Math.min(Math.floor(size * share), Math.max(0, size - 1));
  return { t, from, to: Math.min(from + 16383, size - 1) };
}

const ready = loadIndex().catch(() => {});
let asking = 0;
async function inspect() {
  const mine = ++asking;
  try {
    await ready;
    await new Promise(done => setTimeout(done, 120));                    // while the handle is dragged
    if (mine !== asking) return;
    if (!size) throw new Error('the file did not answer');
    const g = partAt(video.currentTime);
    await get(g.from, g.to, `from the key frame at ${clock(g.t)}`);
    $('status').textContent = '';
  } catch (error) {
    $('status').textContent = 'The inspector’s request failed: ' + error.message;
  }
  drawPosition();
}
video.addEventListener('seeked', () => { homing = false; inspect(); });
video.addEventListener('error', () => { $('status').textContent = 'This browser could not play the video.'; });

// ---- the browser's own requests, where it reports them

function report(entries) {
  for (const e of entries) {
    if (e.initiatorType !== 'video' || !e.name.includes(FILE)) continue;
    row({ method: 'video', asked: 'not shown to pages', status: e.responseStatus, said: '–',
      got: e.encodedBodySize || undefined, ms: e.duration, why: 'the browser’s own request' });
  }
}
if (window.PerformanceObserver) {
  new PerformanceObserver(list => report(list.getEntries())).observe({ type: 'resource', buffered: true });
}
if (video.readyState >= 1) goToStart();
else video.addEventListener('loadedmetadata', goToStart, { once: true });
