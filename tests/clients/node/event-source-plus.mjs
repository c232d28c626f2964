import { EventSourcePlus } from 'event-source-plus';
import { take, url } from './take.mjs';

new EventSourcePlus(url).listen({ onMessage: take });
