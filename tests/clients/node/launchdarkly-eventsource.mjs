import { EventSource } from 'launchdarkly-eventsource';
import { take, url } from './take.mjs';

const source = new EventSource(url, { initialRetryDelayMillis: 100 });
source.addEventListener('message', ({ lastEventId: id, data }) => take({ id, data }));
source.addEventListener('gap', () => take({ event: 'gap' }));
// It has an event of its own that is called so, at each disconnect; that one has no data.
source.addEventListener('end', ({ data }) => data !== undefined && take({ event: 'end' }));
source.addEventListener('error', () => {});
