import { createParser } from 'eventsource-parser';
import { take, url } from './take.mjs';

let last;
let wait = 1000;
const seen = (event) => { last = event.id ?? last; take(event); };
for (;;) {
  try {
    const headers = { Accept: 'text/event-stream', ...(last && { 'Last-Event-ID': last }) };
    const answer = await fetch(url, { headers });
    const parser = createParser({ onEvent: seen, onRetry: (time) => { wait = time; } });
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) parser.feed(text);
  } catch { /* it broke off */ }
  await new Promise((resolve) => setTimeout(resolve, wait));
}
