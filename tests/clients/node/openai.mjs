// The stream of a response, taken up from its beginning; the SDK hands out what the data says.
import OpenAI from 'openai';
import { take, url } from './take.mjs';

const client = new OpenAI({ baseURL: new URL('..', url).href.slice(0, -1), apiKey: 'none' });
const stream = await client.responses.retrieve(url.split('/').pop(), { stream: true });
for await (const event of stream) {
  if (event.type === 'response.completed') process.exit(0);
  take({ id: event.sequence_number, data: event.delta });
}
