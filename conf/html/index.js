// What lives on the front page: a clip, the events of a channel, a stream if one runs; and what this server answers
// when it is asked for a file and for a part of one.
'use strict';
const FILE = 'media/day.mp4', CHANNEL = 'events/demo';
const LOOK = 5000, AGAIN = 10000;       // ms between two looks at the streams; until a refused stream is asked for again
const $ = id => document.getElementById(id);
const put = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };
const failed = error => 'no answer: ' + error.message;

if (location.protocol.startsWith('http')) {
  document.querySelectorAll('.origin').forEach(span => { span.textContent = new URL('./', location).href; });
}

// ---- the clip

const still = matchMedia('(prefers-reduced-motion: reduce)');
const clip = $('clip'), head = document.createElement('i');
head.className = 'head';
$('demo-bar').append(head);
clip.addEventListener('timeupdate', () => { head.style.left = clip.currentTime / clip.duration * 100 + '%'; });
if (!still.matches) clip.autoplay = true;
still.addEventListener('change', () => { if (still.matches) clip.pause(); });

// ---- the events

let source = null, again = 0, count = 0, known = false;

const ticker = new Ticker(async text => {
  const answer = await fetch(CHANNEL + '?event=tick', { method: 'POST', body: text });
  if (!answer.ok) throw new Error(answer.statusText, { cause: 'refused' });
}, told);

function told() {
  put('ticks', source?.readyState === EventSource.CLOSED ? 'No event stream comes from here now.'
    : ticker.refused ? 'It counts what others publish.'
    : 'While nobody else does, this page publishes a tick every few seconds.');
}

// Only while the page is seen: of connections a browser has six for a server, and a page that is left may be kept.
function listen() {
  clearTimeout(again);
  if (source && source.readyState !== EventSource.CLOSED || document.hidden) return;
  source = new EventSource(CHANNEL);
  known = false;
  source.onopen = opened;
  source.onerror = () => {
    ticker.open(false);
    if (source.readyState === EventSource.CLOSED) again = setTimeout(listen, AGAIN);
  };
  for (const type of ['message', 'greeting', 'tick']) source.addEventListener(type, heard);
}

function leave() {
  clearTimeout(again);
  source?.close();
  ticker.open(false);
}

async function opened() {
  try {
    const answer = await fetch(CHANNEL, { headers: { Accept: 'application/vnd.rserve.channel+json' }, cache: 'no-store' });
    count = Math.max(count, (await answer.json()).published);
  } catch { /* it counts from here on */ }
  known = true;
  put('count', String(count));
  ticker.open(source.readyState === EventSource.OPEN, true);
}

function heard(event) {
  if (known) put('count', String(++count));
  put('latest', event.data.slice(0, 80));
  if (!still.matches) $('beat').getAnimations().forEach(beat => { beat.cancel(); beat.play(); });
  ticker.heard();
}

document.addEventListener('visibilitychange', () => document.hidden ? leave() : listen());
addEventListener('pagehide', leave);
addEventListener('pageshow', ({ persisted }) => { if (persisted) listen(); });
listen();

// ---- a stream, if one runs

async function look() {
  let wait = LOOK;
  try {
    if (!document.hidden) {
      const answer = await fetch('streams', { headers: { Accept: 'application/json' }, cache: 'no-store' });
      if (!answer.ok) return;
      show((await answer.json()).servers.flatMap(server => server.applications)
        .filter(app => app.name === 'live').flatMap(app => app.streams).filter(stream => stream.publishing));
    }
  } catch {
    wait = AGAIN;
  }
  setTimeout(look, wait);
}

function show(streams) {
  const [stream] = streams.sort((a, b) => b.viewers - a.viewers);
  $('on-air').hidden = !stream;
  if (!stream) return;
  const { name, video, viewers } = stream;
  $('on-air-link').href = 'live.html?' + new URLSearchParams({ stream: name });
  put('on-air-name', name || '(no name)');
  const size = video?.width ? `${video.width}×${video.height}` : '', others = streams.length - 1;
  const words = [size, viewers === 1 ? '1 viewer' : `${viewers} viewers`, others ? `and ${others} more` : ''];
  put('on-air-what', words.filter(Boolean).join(' · '));
}

look();

// ---- what the server answers

async function whole() {
  const url = new URL('style.css', location).href + '?live';
  const first = await fetch(url, { cache: 'no-store' });
  await first.arrayBuffer();
  put('fact-server', first.headers.get('server') || 'not said');
  put('fact-accept-ranges', first.headers.get('accept-ranges') || 'not sent');
  const seen = performance.getEntriesByName(url).pop();
  put('fact-protocol', (seen && seen.nextHopProtocol) || 'not known to this browser');

  const tag = first.headers.get('etag'), date = first.headers.get('last-modified');
  if (!tag && !date) return put('fact-304', 'no ETag and no Last-Modified to ask with');
  const ask = tag ? { 'If-None-Match': tag } : { 'If-Modified-Since': date };
  const again = await fetch(url, { headers: ask, cache: 'no-store' });
  const size = (await again.arrayBuffer()).byteLength;
  const [name, value] = Object.entries(ask)[0];
  put('fact-304', `${name}: ${value} → ${again.status} ${again.statusText}, ${size} bytes`);
}

async function part() {
  const about = await fetch(FILE, { method: 'HEAD', cache: 'no-store' });
  const size = Number(about.headers.get('content-length')) || 0;
  const from = Math.floor(size * 0.6), to = from + Math.min(65536, size - from) - 1;
  const range = `bytes=${from}-${to}`;
  put('demo-ask', `GET ${FILE.split('/').pop()} · ${range}`);
  const answer = await fetch(FILE, { headers: { Range: range }, cache: 'no-store' });
  const got = (await answer.arrayBuffer()).byteLength;
  const said = answer.headers.get('content-range') || 'the whole file';
  put('fact-range', `Range: ${range} → ${answer.status} ${answer.statusText}, ${got} bytes`);
  put('demo-answer', `${answer.status} · ${said}`);
  const lit = document.createElement('i');
  lit.className = 'r last';
  lit.style.left = (answer.status === 206 ? from / size * 100 : 0) + '%';
  lit.style.width = got / size * 100 + '%';
  $('demo-bar').prepend(lit);
}

whole().catch(e => ['fact-server', 'fact-protocol', 'fact-accept-ranges', 'fact-304'].forEach(id => {
  if ($(id).textContent === '…') put(id, failed(e));
}));
part().catch(e => { put('fact-range', failed(e)); put('demo-answer', failed(e)); });
