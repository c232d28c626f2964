// The switch: by which protocol a stream is played. The address says it (`#hls`, `?via=hls`), else what was chosen here last.

const KEPT = 'rserve.live.way';
const NOTES = {
  websocket: 'As it comes: a fraction of a second.',
  'll-hls': 'In parts of segments: two seconds or so.',
  hls: 'In segments: three of them behind, through any cache.',
};

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;                // this page may keep nothing
  }
}

export class Ways {
  /** 'websocket', 'll-hls', 'hls'; null: the browser can play by none. */
  way = null;

  #can;

  /** `can` says of each way whether the browser plays by it; `changed()` is called when another is chosen. */
  constructor(element, can, changed) {
    this.#can = can;
    const inputs = [...element.querySelectorAll('input')];
    const wanted = [this.#told, new URLSearchParams(location.search).get('via')?.toLowerCase(), kept(), 'websocket', 'hls'];
    const turn = way => {
      this.way = way;
      for (const input of inputs) input.checked = input.value === way;
    };
    turn(wanted.find(way => Object.hasOwn(can, way ?? '') && can[way]) ?? null);
    for (const input of inputs) input.disabled = !can[input.value];
    element.addEventListener('change', ({ target }) => {
      turn(target.value);
      try {
        localStorage.setItem(KEPT, this.way);
      } catch { /* then it is forgotten */ }
      history.replaceState(null, '', `#${this.way}`);
      changed();
    });
    addEventListener('hashchange', () => {
      const told = this.#told;
      if (!can[told] || told === this.way) return;
      turn(told);
      changed();
    });
  }

  get #told() {
    const told = location.hash.slice(1).toLowerCase();
    return Object.hasOwn(NOTES, told) ? told : null;
  }

  /** The end of an address that keeps to what this one says. */
  get hash() {
    return this.#told ? location.hash : '';
  }

  get note() {
    return NOTES[this.way] ?? '';
  }
}
