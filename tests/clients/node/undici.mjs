import { EventSource } from 'undici';
import { listen, url } from './take.mjs';

listen(new EventSource(url));
// While it waits to come back, it does not keep its process.
setInterval(() => {}, 60_000);
