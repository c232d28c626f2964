// The worker: gets a stream by WebSocket or by fetch, and gives the page what a SourceBuffer takes.
//
// From the page: { id, url, transport: 'auto' | 'http', at } plays, with the first frame at `at` ms; { stop: true }.
// To the page, with that id: `open`, `init`, `media`, `problem`, `about`, and at the end `closed`.

import { FlvError, FlvReader } from './live-flv.js';
import { Remux } from './live-remux.js';

const BATCH = 15;               // ms: so long frames are collected
const wall = () => performance.timeOrigin + performance.now();

let session = null;

self.onmessage = ({ data }) => {
  session?.end();
  session = data.stop ? null : new Session(data);
};

class Session {
  #id;
  #over = false;
  #abort = () => {};
  #reader = new FlvReader(tag => this.#tag(tag));
  #remux;
  #edge = new Edge();
  #received = 0;
  #share = { video: 0, audio: 0 };
  #timer = 0;
  #sent = 0;

  constructor({ id, url, transport, at }) {
    this.#id = id;
    this.#remux = new Remux(at, message => this.#tell(message));
    if (transport === 'http') this.#fetch(url);
    else this.#socket(url);
  }

  end() {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#abort();
  }

  #tell(message) {
    if (this.#over) return;
    message.id = this.#id;
    self.postMessage(message, message.bytes ? [message.bytes.buffer] : []);
  }

  #closed(why, status = 0) {
    this.#flush();
    this.#tell({ type: 'closed', why, status });
    this.end();
  }

  #socket(url) {
    const address = new URL(url);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    let socket, open = false;
    const instead = () => {
      this.#abort = () => {};
      this.#fetch(url);
    };
    try {
      socket = new WebSocket(address);
    } catch {
      return instead();         // this page may not
    }
    socket.binaryType = 'arraybuffer';
    this.#abort = () => socket.close();
    socket.onopen = () => {
      open = true;
      this.#tell({ type: 'open', transport: 'WebSocket' });
    };
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) this.#feed(new Uint8Array(data));
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#over) return;
      // Why a handshake fails is kept from pages; fetch is told.
      if (!open) return instead();
      this.#closed(reason || (code === 1000 || code === 1001 ? 'the server has closed the stream' : 'the connection broke'));
    };
  }

  async #fetch(url) {
    const abort = new AbortController();
    this.#abort = () => abort.abort();
    try {
      const answer = await fetch(url, { signal: abort.signal, cache: 'no-store' });
      if (!answer.ok) {
        answer.body?.cancel();
        return this.#closed(`the answer was ${answer.status} ${answer.statusText}`.trim(), answer.status);
      }
      this.#tell({ type: 'open', transport: 'HTTP' });
      const reader = answer.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#over) return;
        if (done) break;
        this.#feed(value);
      }
      this.#closed('the server has closed the stream');
    } catch (error) {
      if (!this.#over) this.#closed(error.name === 'TypeError' ? 'the server does not answer' : String(error.message));
    }
  }

  #feed(bytes) {
    if (this.#over) return;
    this.#received += bytes.length;
    try {
      this.#reader.feed(bytes);
    } catch (error) {
      if (!(error instanceof FlvError)) console.error(error);
      return this.#closed(error.message);
    }
    const wait = this.#sent + BATCH - performance.now();
    if (wait <= 0) this.#flush();
    else this.#timer ||= setTimeout(() => this.#flush(), wait);
  }

  #tag(tag) {
    const frame = this.#remux.tag(tag);
    if (!frame) return;
    this.#share[frame.kind] += frame.bytes;
    this.#edge.arrived(frame);
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#sent = performance.now();
    for (const batch of this.#remux.take()) this.#tell(batch);
    this.#tell({ type: 'figures', received: this.#received, share: { ...this.#share }, edge: this.#edge.offset });
  }
}

/**
 * Which time of the stream is now? The frame that was least late tells: the smallest difference between the
 * time at which a frame came and its own, over the last minute (clocks drift).
 */
class Edge {
  #slots = [];                  // { at, least }, ten seconds each
  #kind = '';

  arrived({ kind, time }) {
    if (kind !== this.#kind) {
      if (kind === 'audio' && this.#kind) return;               // video counts if there is any
      this.#kind = kind;
      this.#slots = [];
    }
    const at = Math.floor(performance.now() / 10000), late = wall() - time;
    const last = this.#slots[this.#slots.length - 1];
    if (last?.at === at) {
      last.least = Math.min(last.least, late);
    } else {
      this.#slots.push({ at, least: late });
      if (this.#slots.length > 6) this.#slots.shift();
    }
  }

  /** To be taken from the wall's time, in ms; null before the first frame. */
  get offset() {
    return this.#slots.length ? Math.min(...this.#slots.map(slot => slot.least)) : null;
  }
}
