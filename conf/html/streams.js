// The operators' page: what rtmp_stat tells of streams and their clients, every two seconds, and rtmp_control to
// close one of them.

const EVERY = 2000, SURE = 4000;        // ms between two looks; for how long a button asks again
const LATE = 1500;                      // ms behind the publisher that are worth a colour

const $ = id => document.getElementById(id);
const put = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };
const cards = new Map();                // of streams, by server, application and name
let mayClose = true;
let asking = null;                      // { id, until }: the client whose button was pressed once

function el(tag, cls = '', text = '') {
  const element = document.createElement(tag);
  if (cls) element.className = cls;
  if (text) element.textContent = text;
  return element;
}

// ---- words

function rate(bits = 0) {
  if (!bits) return '–';
  return bits < 1e6 ? `${Math.round(bits / 1000)} kbit/s` : bits < 1e9 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${(bits / 1e9).toFixed(2)} Gbit/s`;
}

function span(seconds) {
  const s = Math.floor(seconds), two = number => String(number).padStart(2, '0');
  const days = Math.floor(s / 86400), clock = `${Math.floor(s / 3600) % 24}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return days ? `${days} d ${clock}` : clock;
}

function tracks({ video, audio }) {
  const words = [];
  if (video) {
    const size = video.width ? `${video.width}×${video.height}` : '';
    const frames = video.frame_rate ? `${Math.round(100 * video.frame_rate) / 100}/s` : '';
    words.push([video.codec || 'video', size, frames].filter(Boolean).join(' '));
  }
  if (audio) words.push([audio.codec || 'audio', audio.sample_rate ? `${audio.sample_rate / 1000} kHz` : ''].filter(Boolean).join(' '));
  return words.join(' · ');
}

const VIA = {
  rtmp: 'RTMP', 'http-flv': 'HTTP', 'http-mp4': 'MP4', 'http-ts': 'MPEG-TS', 'websocket-flv': 'WebSocket', hls: 'HLS',
};
const late = ms => ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;

// ---- the list

function card(server, app, name) {
  const section = el('section', 'stream'), header = el('header'), title = el('h2');
  const where = server.names.length ? `${server.names[0]}/${app}/` : `${app}/`;
  title.append(el('span', 'soft', where), name || '(no name)');
  const what = el('span', 'what');
  header.append(title, what);
  const table = el('table', 'clients'), head = el('thead'), row = el('tr'), body = el('tbody');
  for (const word of ['Client', 'By', 'For', 'Bitrate', 'Behind', 'Skips · dropped', '']) {
    const th = el('th', ['Client', ''].includes(word) ? '' : 'n', word);
    th.scope = 'col';
    row.append(th);
  }
  head.append(row);
  table.append(head, body);
  section.append(header, table);
  return { section, what, body, rows: new Map() };
}

function line(client) {
  const row = el('tr'), who = el('td', 'who'), act = el('td', 'act'), button = el('button');
  const address = el('span'), agent = el('span', 'agent');
  who.append(address, agent);
  const cells = ['By', 'For', client.publishing ? 'In' : 'Out', 'Behind', 'Skips · dropped'].map(label => {
    const td = el('td', 'n');
    td.dataset.label = label;
    return td;
  });
  button.type = 'button';
  button.addEventListener('click', () => press(button, client));
  act.append(button);
  row.append(who, ...cells, act);
  return { row, address, agent, cells, button };
}

function fill({ row, address, agent, cells, button }, client) {
  const set = (node, text) => { if (node.textContent !== text) node.textContent = text; };
  const { publishing, behind } = client;
  row.className = publishing ? 'publisher' : '';
  set(address, `${client.address}${publishing ? ' publishes' : ''}`);
  set(agent, client.flashver || '');
  set(cells[0], VIA[client.protocol] ?? client.protocol);
  set(cells[1], span(client.time / 1000));
  const bits = publishing ? client.bw_in : client.bw_out;
  set(cells[2], bits === undefined ? '' : rate(bits));          // who asks for segments has no connection
  set(cells[3], publishing || behind === undefined ? '' : late(behind));
  cells[3].classList.toggle('late', behind >= LATE);
  set(cells[4], publishing || bits === undefined ? '' : `${client.skips ?? 0} · ${client.dropped ?? 0}`);
  cells[4].classList.toggle('late', !publishing && client.skips > 0);
  const sure = asking?.id === client.id && asking.until > Date.now();
  set(button, sure ? 'Really?' : 'Close');
  button.classList.toggle('sure', sure);
  button.hidden = !mayClose;
  button.setAttribute('aria-label', `${sure ? 'Really close' : 'Close'} the connection of ${client.address}`);
}

/** Keeps `known` as `wanted`: [key, value] pairs, in their order. */
function keep(known, wanted, parent, make, nodeOf, show) {
  const keys = new Set(wanted.map(([key]) => key));
  for (const [key, thing] of known) {
    if (keys.has(key)) continue;
    nodeOf(thing).remove();
    known.delete(key);
  }
  wanted.forEach(([key, value], at) => {
    let thing = known.get(key);
    if (!thing) known.set(key, thing = make(value));
    if (parent.children[at] !== nodeOf(thing)) parent.insertBefore(nodeOf(thing), parent.children[at] ?? null);
    show(thing, value);
  });
}

function show(all) {
  const streams = all.servers.flatMap((server, number) => server.applications.flatMap(app =>
    app.streams.map(stream => [JSON.stringify([number, app.name, stream.name]), { server, app: app.name, stream }])));
  keep(cards, streams, $('list'), ({ server, app, stream }) => card(server, app, stream.name), made => made.section, (made, { stream }) => {
    const viewers = stream.viewers === 1 ? '1 player' : `${stream.viewers} players`;
    const words = [stream.publishing ? tracks(stream) : 'nobody publishes it', viewers];
    made.what.textContent = words.filter(Boolean).join(' · ');
    keep(made.rows, (stream.clients ?? []).map(client => [client.id, client]), made.body, line, one => one.row, fill);
  });
  const live = streams.filter(([, { stream }]) => stream.publishing).length;
  put('count', String(live));
  put('players', String(streams.reduce((sum, [, { stream }]) => sum + stream.viewers, 0)));
  put('in', rate(all.bw_in));
  put('out', rate(all.bw_out));
  put('uptime', span(all.uptime ?? 0));
  const port = all.servers.flatMap(server => server.ports)[0], app = all.servers.flatMap(server => server.applications)[0]?.name;
  $('none').hidden = streams.length > 0;
  put('none', app === undefined ? 'The configuration has no application with “live on”.'
    : `No stream. One that is published to rtmp://${location.hostname}${port === 1935 || !port ? '' : `:${port}`}/${app}/NAME is shown here.`);
  trouble(all.unanswered ? `${all.unanswered} of the workers did not answer: this is not all.` : '');
}

function trouble(text) {
  $('trouble').hidden = !text;
  put('trouble', text);
}

// ---- looking, and closing

let timer = 0;

async function look() {
  clearTimeout(timer);
  try {
    const answer = await fetch('stat?format=json', { cache: 'no-store' });
    if (answer.status === 403) throw new Error('The server shows its figures to others only: see the location /stat.');
    if (!answer.ok) throw new Error(`The server shows no figures at /stat: ${answer.status} ${answer.statusText}.`);
    show(await answer.json());
  } catch (error) {
    trouble(error.name === 'TypeError' ? 'The server does not answer. These are the last figures.' : error.message);
  }
  clearTimeout(timer);
  timer = setTimeout(look, document.hidden ? 5 * EVERY : EVERY);
}

async function press(button, { id, address }) {
  if (asking?.id !== id || asking.until < Date.now()) {
    asking = { id, until: Date.now() + SURE };
    button.textContent = 'Really?';
    button.classList.add('sure');
    return;
  }
  asking = null;
  button.disabled = true;
  try {
    const answer = await fetch(`control/drop/client?clientid=${id}`, { method: 'POST', cache: 'no-store' });
    if (answer.status === 404) mayClose = false;
    if (!answer.ok) throw new Error(`${address} was not closed: the answer at /control/ was ${answer.status} ${answer.statusText}.`);
  } catch (error) {
    await look();
    trouble(error.message);
    return;
  } finally {
    button.disabled = false;
  }
  setTimeout(look, 300);
}

document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
look();
