// Asks this server for a file and a part of one, and shows the answers.
'use strict';
const FILE = 'media/day.mp4';
const $ = id => document.getElementById(id);
const put = (id, text) => { $(id).textContent = text; };
const failed = error => 'no answer: ' + error.message;

if (location.protocol.startsWith('http')) put('origin', new URL('./', location).href);

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
  const head = await fetch(FILE, { method: 'HEAD', cache: 'no-store' });
  const size = Number(head.headers.get('content-length')) || 0;
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
  $('demo-bar').append(lit);
}

whole().catch(e => ['fact-server', 'fact-protocol', 'fact-accept-ranges', 'fact-304'].forEach(id => {
  if ($(id).textContent === '…') put(id, failed(e));
}));
part().catch(e => { put('fact-range', failed(e)); put('demo-answer', failed(e)); });
