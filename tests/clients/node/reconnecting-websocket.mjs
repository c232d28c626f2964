import Module from 'reconnecting-websocket';
import WebSocket from 'ws';
import { take, url } from './take.mjs';

const Reconnecting = Module.default ?? Module;
let last = '';
const address = () => url.replace('http', 'ws') + (last && `?last_event_id=${last}`);
const socket = new Reconnecting(address, 'sse', { WebSocket, minReconnectionDelay: 100 });
socket.onmessage = ({ data: text }) => {
  const field = (name) => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1];
  const [id, event, data] = ['id', 'event', 'data'].map(field);
  last = id ?? last;
  if (event || data !== undefined) take({ id, event, data });
};
