// What a client makes of an event: a line `ID DATA`, `GAP`, or its own end.
export const url = process.argv[2];

export function take({ id, event, data }) {
  if (event === 'end') process.exit(0);
  console.log(event === 'gap' ? 'GAP' : `${id} ${data}`);
}

// For all that look like a browser's EventSource.
export function listen(source) {
  for (const event of ['message', 'gap', 'end']) {
    source.addEventListener(event, ({ lastEventId: id, data }) => take({ id, event, data }));
  }
}
