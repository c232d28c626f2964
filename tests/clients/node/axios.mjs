// With the `Accept` that axios sends when nobody asks for another.
import axios from 'axios';
import { take, url } from './take.mjs';

const { data: stream } = await axios.get(url, { responseType: 'stream' });
let text = '';
for await (const bytes of stream) {
  text += bytes;
  const blocks = text.split('\n\n');
  text = blocks.pop();
  for (const block of blocks) {
    const data = /^data: (.*)$/m.exec(block);
    const event = data && JSON.parse(data[1]);
    if (event?.type === 'response.completed') process.exit(0);
    if (event) take({ id: event.sequence_number, data: event.delta });
  }
}
