// As it comes: in a page it brings its id back as `?lastEventId=`.
import './xhr.mjs';
import Module from 'event-source-polyfill';
import { listen, url } from './take.mjs';

listen(new Module.EventSourcePolyfill(url));
