// Which streams run: from the server's figures, where they may be read, and kept up to date by events.

const TYPES = ['publish', 'unpublish', 'play', 'stop', 'metadata'];

/** `changed(streams)` is called with the list, `event(type, name)` with each event. */
export class Streams {
  /** The application whose streams these are, and where it is published: nobody knows as long as the figures are not read. */
  app = 'live';
  port = 1935;
  /** Whether the server has such an application. */
  configured = true;
  /** 'open', 'connecting', 'closed' */
  state = 'connecting';

  #streams = new Map();         // name → { name, viewers, video, audio }
  #changed;
  #event;
  #figures = true;              // they may be read
  #timer = 0;
  #source = null;
  #retry = 0;

  constructor(changed, event) {
    this.#changed = changed;
    this.#event = event;
    this.#read().then(() => this.#listen());
    // A page that is left may be kept for the way back, and its connections with it: of those a browser has six for a server.
    addEventListener('pagehide', () => {
      clearTimeout(this.#retry);
      this.#source?.close();
    });
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.#listen();
    });
  }

  get list() {
    return [...this.#streams.values()].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  }

  has(name) {
    return this.#streams.has(name);
  }

  /** Whether it is known what runs. */
  get known() {
    return this.#figures || this.state === 'open';
  }

  #listen() {
    // Where the figures may not be read, what is kept of the events is all there is to know: from the beginning.
    this.#source?.close();
    const source = this.#source = new EventSource(this.#figures ? 'events/live' : 'events/live?last_event_id=0-0');
    source.onopen = () => this.#turn('open');
    source.onerror = () => {
      this.#turn(source.readyState === EventSource.CLOSED ? 'closed' : 'connecting');
      if (source.readyState === EventSource.CLOSED) this.#retry = setTimeout(() => this.#listen(), 10000);
    };
    // What follows is all there is.
    source.addEventListener('gap', () => {
      if (!this.#figures) this.#streams.clear();
    });
    for (const type of TYPES) source.addEventListener(type, event => this.#take(type, event.data));
  }

  #turn(state) {
    this.state = state;
    if (state === 'open') this.#soon();
    this.#changed();
  }

  #take(type, data) {
    let told;
    try {
      told = JSON.parse(data);
    } catch {
      return;
    }
    if (told?.app !== this.app || typeof told.name !== 'string') return;
    const stream = this.#streams.get(told.name);
    if (type === 'publish' && !stream) this.#streams.set(told.name, { name: told.name, viewers: 0 });
    if (type === 'unpublish') this.#streams.delete(told.name);
    if (type === 'play' && stream) stream.viewers++;
    if (type === 'stop' && stream) stream.viewers = Math.max(0, stream.viewers - 1);
    this.#soon();
    this.#changed();
    this.#event(type, told.name);
  }

  // The figures are right in any case; several events in a row ask for them once.
  #soon() {
    if (this.#figures) this.#timer ||= setTimeout(() => this.#read(), 250);
  }

  async #read() {
    this.#timer = 0;
    try {
      const answer = await fetch('streams', { headers: { Accept: 'application/json' }, cache: 'no-store' });
      if (!answer.ok) throw new Error(answer.statusText);
      const { servers } = await answer.json();
      const server = servers.find(server => server.applications.some(app => app.name === this.app));
      this.configured = Boolean(server);
      if (server?.ports?.length) [this.port] = server.ports;
      const running = servers.flatMap(server => server.applications)
        .filter(app => app.name === this.app).flatMap(app => app.streams).filter(stream => stream.publishing);
      this.#streams = new Map(running.map(({ name, video, audio, viewers, hls = 0 }) =>
        [name, { name, video, audio, viewers: viewers + hls }]));
      this.#changed();
    } catch {
      this.#figures = false;
    }
  }
}
