import './xhr.mjs';
import Module from 'react-native-sse';
import { listen, url } from './take.mjs';

const EventSource = Module.default ?? Module;
const source = new EventSource(url, { pollingInterval: 200, timeoutBeforeConnection: 0 });
listen(source);
// It comes back after an end; a connection that breaks has no status, and is its page's affair.
source.addEventListener('error', ({ xhrStatus }) => {
  if (xhrStatus === 0) setTimeout(() => source.open(), 200);
});
