// Follows a channel with an EventSource, publishes to it, and shows what happens when the stream breaks.
'use strict';
const $ = id => document.getElementById(id);
const put = (id, text) => { $(id).textContent = text; };
const wait = ms => new Promise(done => setTimeout(done, ms));
const plural = n => n === 1 ? 'one event' : `${n} events`;
const ROWS = 10, NOTES = 60;            // of the feed, of the timeline
const DEMO = 'demo';                    // the channel that ticks
const ALL = '0-0';                      // an id of no life of the log: what is kept follows
const AWAY = 2000;                      // ms without a connection after "drop"
const SHOWN = 4000;                     // characters of an event's data

const types = new Set(['message', 'greeting', 'tick']);
let now = null;                         // the channel that is followed

const address = name => new URL('events/' + encodeURIComponent(name), location).href;
const seqOf = id => Number(id.split('-')[1]);
const epochOf = id => id.split('-')[0];

function el(name, text, cls = '') {
  const e = document.createElement(name);
  e.textContent = text;
  if (cls) e.className = cls;
  return e;
}

// ---- the timeline

function note(kind, text) {
  const li = el('li', '', kind.replace(' ', '-'));
  li.append(el('time', new Date().toTimeString().slice(0, 8)), el('b', kind), el('span', text));
  $('line').prepend(li);
  while ($('line').childElementCount > NOTES) $('line').lastChild.remove();
}

function state(name, text) {
  $('state').dataset.state = name;
  put('state', text);
}

// ---- the stream

function follow(name) {
  if (now) now.source.close();
  ticker.open(false);
  now = {
    name, source: null, last: '', opened: 0, brokeAt: 0, told: false, resumed: null,
    received: 0, published: 0, missed: 0, twice: 0,
    seen: new Set(), awaited: new Set(),
  };
  history.replaceState(null, '', name === DEMO ? location.pathname : '?' + encodeURIComponent(name));
  document.querySelectorAll('.stream').forEach(s => { s.textContent = address(name); });
  $('feed-body').replaceChildren();
  rows.length = 0;
  connect(now, ALL);
  figures();
  feed();
}

function connect(my, from) {
  state('connecting', 'connecting');
  const query = from ? '?last_event_id=' + encodeURIComponent(from) : '';
  my.source?.close();
  const source = my.source = new EventSource(address(my.name) + query);
  const mine = handle => event => { if (my === now && source === my.source) handle(my, event); };
  // A stream may have events whose types are "open" and "error".
  const own = handle => mine((my, event) => event instanceof MessageEvent ? take(my, event) : handle(my));
  source.onopen = own(opened);
  source.onerror = own(broke);
  source.addEventListener('gap', mine(gap));
  source.addEventListener('end', mine(ended));
  my.listen = type => source.addEventListener(type, mine(take));
  types.forEach(my.listen);
}

function hear(type) {
  if (!type || types.has(type) || ['gap', 'end', 'error', 'open'].includes(type)) return;
  types.add(type);
  if (now) now.listen(type);
}

function opened(my) {
  state('open', 'open');
  ticker.open(my.name === DEMO, true);
  if (!my.opened++) {
    note('open', `reads ${my.name}, from what is kept on`);
    return catchUp(my, { kept: true });
  }
  const away = ((performance.now() - my.brokeAt) / 1000).toFixed(1);
  my.told = my.over = false;
  note('resumed', my.last ? `behind ${my.last}, after ${away} s` : `after ${away} s, behind the id that came when it was opened`);
  catchUp(my, { gap: false });
}

function catchUp(my, what) {
  const resumed = my.resumed = { count: 0, upto: Infinity, ...what };
  // Up to what is the log full by now? Those are the ones to catch up with.
  look(my.name).then(found => { resumed.upto = found.newest ? seqOf(found.newest) : 0; caughtUp(my, resumed); });
  setTimeout(() => caughtUp(my, resumed, true), 1500);
}

// The channel's figures; none if there is no such channel, or no answer.
async function look(name) {
  try {
    return await (await fetch(address(name), { headers: { Accept: 'application/vnd.rserve.channel+json' }, cache: 'no-store' })).json();
  } catch {
    return {};
  }
}

function caughtUp(my, resumed, late = false) {
  if (my.resumed !== resumed || !(late || my.last && seqOf(my.last) >= resumed.upto)) return;
  my.resumed = null;
  if (resumed.kept) return;
  const came = resumed.count ? `${plural(resumed.count)} had come` : 'nothing had come';
  note('caught up', resumed.gap ? `${came} that is still there` : my.missed ? `${came}, ${my.missed} missed` : `${came}, nothing missed`);
}

function broke(my) {
  ticker.open(false);
  if (my.source.readyState === EventSource.CLOSED) {
    state('closed', 'closed');
    look(my.name).then(found => note('closed', found.ended
      ? 'the channel has ended: the answer was 204, and the browser stays away'
      : 'the answer was no event stream, and the browser stays away'));
    return;
  }
  state('connecting', 'reconnecting');
  if (my.told) return note('error', 'not yet; the browser goes on trying');
  my.told = true;
  my.brokeAt = performance.now();
  note('error', my.over ? 'the stream is over' : 'the connection broke');
  note('reconnecting', my.last ? `the browser comes back by itself, with Last-Event-ID: ${my.last}` : 'the browser comes back by itself');
}

function leave() {
  now.source.close();
  now.brokeAt = performance.now();
  ticker.open(false);
}

function drop() {
  const my = now, from = my.last;
  if (my.source.readyState === EventSource.CLOSED) return;
  leave();
  state('closed', 'dropped');
  note('dropped', `closed by this page, for ${AWAY / 1000} seconds`);
  $('drop').disabled = true;
  setTimeout(() => {
    $('drop').disabled = false;
    if (my !== now) return;
    note('reconnecting', from ? `with ?last_event_id=${from}` : 'without an id: no event has come yet');
    if (!from) my.awaited.clear();
    connect(my, from);
  }, AWAY);
}

// ---- events

function place(my, id) {
  if (my.last && epochOf(my.last) !== epochOf(id)) {        // another life of the log
    my.missed += my.awaited.size;
    my.awaited.clear();
    my.seen.clear();
  }
  my.last = id;
}

function take(my, event) {
  const id = event.lastEventId, seq = seqOf(id), late = my.resumed && seq <= my.resumed.upto;
  place(my, id);
  my.received++;
  if (my.seen.has(seq)) my.twice++;
  my.seen.add(seq);
  if (my.seen.size > 10000) my.seen.delete(my.seen.values().next().value);
  my.awaited.delete(seq);
  for (const other of my.awaited) {
    if (other > seq) continue;
    my.awaited.delete(other);
    my.missed++;
  }
  if (!my.resumed?.kept || !late) count(late);
  ticker.heard();
  rows.push({ id, type: event.type, data: event.data, late: late && !my.resumed.kept });
  if (rows.length > ROWS) rows.shift();
  if (late) my.resumed.count++;
  if (my.resumed) caughtUp(my, my.resumed);
  soon();
}

function gap(my, event) {
  let told = {};
  try { told = JSON.parse(event.data); } catch { /* a publisher's own event of that name */ }
  if (!told.resumed_from) return take(my, event);
  if (my.resumed) my.resumed.gap = true;
  if (!my.resumed?.kept) note('gap', `what followed ${told.requested} is gone (${told.reason}); goes on behind ${told.resumed_from}`);
  place(my, event.lastEventId);
  soon();
}

function ended(my, event) {
  if (event.data !== '{}') return take(my, event);
  my.over = true;
  place(my, event.lastEventId);
  note('end', `the channel has ended, with ${event.lastEventId}`);
  soon();
}

// ---- publishing

const page = Date.now().toString(36) + Math.random().toString(36).slice(2);
let posts = 0, leaving = new AbortController();

// The id of the event. One that gets no answer is posted again: the key makes it one event all the same.
async function post(data, type) {
  const my = now, key = `${page}-${++posts}`;
  const url = address(my.name) + (type ? '?event=' + encodeURIComponent(type) : '');
  for (let tries = 1; ; tries++) {
    try {
      const answer = await fetch(url, { method: 'POST', body: data, headers: { 'Idempotency-Key': key }, signal: leaving.signal });
      const said = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(`${answer.status} ${said.error || answer.statusText}`, { cause: 'refused' });
      confirmed(my, said.id);
      return said;
    } catch (error) {
      if (error.cause === 'refused' || tries === 20) throw error;
      put('said', 'No answer. The same post again, with the same Idempotency-Key …');
      await wait(250);
    }
  }
}

function confirmed(my, id) {
  my.published++;
  const seq = seqOf(id);
  if (my.opened && !my.seen.has(seq)) {
    if (my.last && epochOf(my.last) === epochOf(id) && seq <= seqOf(my.last)) my.missed++;
    else my.awaited.add(seq);
  }
  soon();
}

function refused(error) {
  const hint = error.message.startsWith('403') ? ' Only the machine itself may, unless sse_publish_from names others.' : '';
  put('said', `Not published: ${error.message}.${hint}`);
}

$('publish').addEventListener('submit', event => {
  event.preventDefault();
  const type = $('type').value.trim();
  hear(type);
  post($('data').value, type).then(said => {
    put('said', `Published as ${said.id}; ${said.subscribers === 1 ? 'one subscriber' : said.subscribers + ' subscribers'}.`);
  }, refused);
});

$('hundred').addEventListener('click', async () => {
  $('hundred').disabled = true;
  try {
    for (let n = 1; n <= 100; n++) {
      await Promise.all([post(`${n} of 100`, n % 10 ? '' : 'tick'), wait(40)]);
      put('said', `Published ${n} of 100.`);
    }
  } catch (error) {
    refused(error);
  }
  $('hundred').disabled = false;
});

$('end').addEventListener('click', async () => {
  try {
    const answer = await fetch(address(now.name), { method: 'DELETE' });
    const said = await answer.json();
    put('said', answer.ok ? `Ended with ${said.id}. Publishing begins it anew; press Open then.` : `Not ended: ${answer.status} ${said.error}.`);
  } catch (error) {
    put('said', `Not ended: ${error.message}.`);
  }
});

// A page that is left may be kept for the way back, and its connections with it: of those a browser has six for a server.
addEventListener('pagehide', () => {
  leave();
  leaving.abort();
  leaving = new AbortController();
});
addEventListener('pageshow', ({ persisted }) => {
  if (!persisted) return;
  note('reconnecting', 'this page was left, and is back');
  connect(now, now.last || ALL);
});

// ---- the tick

const ticker = new Ticker(text => post(text, 'tick'), () => { $('tick-box').hidden = now?.name !== DEMO || ticker.refused; });
$('tick').checked = true;
$('tick').addEventListener('change', () => ticker.want($('tick').checked));

$('follow').addEventListener('submit', event => { event.preventDefault(); follow($('channel').value); });
$('drop').addEventListener('click', drop);
$('type').addEventListener('change', () => hear($('type').value.trim()));

// ---- what is shown: once for each frame, however many events come

const rows = [];
let drawn = false;
function soon() {
  if (drawn) return;
  drawn = true;
  requestAnimationFrame(() => { drawn = false; figures(); feed(); graph(); });
}

function figures() {
  for (const id of ['received', 'published', 'missed', 'twice']) put(id, now[id].toLocaleString('en').replaceAll(',', '\u2009'));
  $('missed').classList.toggle('bad', now.missed > 0);
  put('last', now.last || 'none yet');
}

function feed() {
  const body = $('feed-body');
  body.querySelectorAll('.none').forEach(row => row.remove());
  for (const event of rows.filter(event => !event.row)) {
    const tr = event.row = el('tr', '', event.late ? 'late' : '');
    const data = event.data.length > SHOWN ? `${event.data.slice(0, SHOWN)}… (${event.data.length} characters)` : event.data;
    tr.append(el('td', event.id), el('td', event.type), el('td', data, 'data'));
    body.prepend(tr);
  }
  while (body.childElementCount > ROWS) body.lastChild.remove();
  while (body.childElementCount < ROWS) {
    const none = el('tr', '', 'none');
    none.append(el('td', '\u00a0'), el('td', ''), el('td', ''));
    body.append(none);
  }
}

// ---- the graph: for each second how many came, and how many of a time before

const SECONDS = 30, seconds = [];
function second() {
  const at = Math.floor(Date.now() / 1000);
  let last = seconds[seconds.length - 1];
  if (!last || last.at !== at) {
    seconds.push(last = { at, live: 0, late: 0, off: false });
    if (seconds.length > SECONDS) seconds.shift();
  }
  if (now && now.opened && now.source.readyState !== EventSource.OPEN) last.off = true;
  return last;
}

function count(late) {
  second()[late ? 'late' : 'live']++;
}

function graph() {
  const canvas = $('rate'), ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const style = getComputedStyle(canvas), colour = name => style.getPropertyValue(name).trim();
  const c = canvas.getContext('2d'), at = second().at;
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, height);
  const most = Math.max(...seconds.map(s => s.live + s.late));
  const top = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find(n => n >= most) || most;
  const floor = height - 1, y = n => Math.round(floor - n / top * (floor - 18)), step = width / SECONDS;
  for (const s of seconds) {
    const edge = seconds => Math.round(width - seconds * step);
    const left = edge(at - s.at + 1), right = edge(at - s.at), x = left + 1, w = Math.max(1, right - left - 2);
    if (left < 0) continue;
    if (s.off) { c.fillStyle = colour('--track'); c.fillRect(left, 18, right - left, floor - 18); }
    c.fillStyle = colour('--buf');
    c.fillRect(x, y(s.live), w, floor - y(s.live));
    c.fillStyle = colour('--mark');
    c.fillRect(x, y(s.live + s.late), w, y(s.live) - y(s.live + s.late));
  }
  c.fillStyle = colour('--line');
  c.fillRect(0, floor, width, 1);
  c.fillRect(0, 18, width, 1);
  c.fillStyle = colour('--soft');
  c.font = '12px ' + colour('--mono');
  c.fillText(`${top}/s`, 0, 12);
  const whole = seconds.find(s => s.at === at - 1);
  put('rate-text', `${whole ? whole.live + whole.late : 0}/s`);
}

setInterval(() => { if (!document.hidden) graph(); second(); }, 500);
new ResizeObserver(graph).observe($('rate'));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', graph);

const wanted = decodeURIComponent(location.search.slice(1));
if (/^[\w.-]{1,255}$/.test(wanted)) $('channel').value = wanted;
follow($('channel').value);
