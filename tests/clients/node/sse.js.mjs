import './xhr.mjs';
import { SSE } from 'sse.js';
import { take, url } from './take.mjs';

const headers = { Accept: 'text/event-stream' };
const source = new SSE(url, { headers, autoReconnect: true, reconnectDelay: 100 });
for (const event of ['message', 'gap', 'end']) {
  source.addEventListener(event, ({ lastEventId: id, data }) => take({ id, event, data }));
}
