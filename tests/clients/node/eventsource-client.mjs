import { createEventSource } from 'eventsource-client';
import { take, url } from './take.mjs';

createEventSource({ url, onMessage: take });
