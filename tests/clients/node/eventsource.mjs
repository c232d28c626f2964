import { EventSource } from 'eventsource';
import { listen, url } from './take.mjs';

listen(new EventSource(url));
