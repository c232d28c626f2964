// It is made for pages: these are the parts of one that it looks at.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };

const { fetchEventSource } = await import('@microsoft/fetch-event-source');
const { take, url } = await import('./take.mjs');

fetchEventSource(url, {
  // A block that has an id alone is given out, too.
  onmessage: (event) => event.data && take(event),
  // It comes back after an error only: so its own page says to make one of a stream's end.
  onclose() { throw new Error('the stream has ended'); },
});
