import { EventSource } from 'eventsource';
import Reconnecting from 'reconnecting-eventsource';
import { listen, url } from './take.mjs';

const Class = Reconnecting.default ?? Reconnecting;
listen(new Class(url, { eventSourceClass: EventSource, max_retry_time: 300 }));
