"""A client that keeps to the protocol while the server's processes are replaced: what a GOAWAY lets it have it waits for,
and what that leaves out it asks for again on another connection. Nothing may be lost."""

from client import *


def rounds(port, wanted):
    """So many requests, some of which take their time. What is lost is counted."""
    wanted, done, retried, connections = int(wanted), 0, 0, 0
    print("begun", flush=True)
    client, open_streams = None, {}
    backlog = list(range(wanted))
    while done < wanted:
        if client is None:
            client, open_streams, connections = Client(port), {}, connections + 1
        going = bool(client.goaways) or client.closed
        while backlog and not going and len(open_streams) < 20:
            at = backlog.pop()
            path = "/file" if at % 50 == 0 else f"/says?{at}"
            open_streams[client.request("GET", path)] = at
        client.read(0.05)
        for stream, at in list(open_streams.items()):
            got = client.streams[stream]
            if got.ended:
                equal(got.status, 200)
                check(at % 50 != 0 or len(got.data) == 3000000, at, len(got.data))
                done += 1
                del open_streams[stream]
            elif got.reset is not None:
                equal(got.reset, REFUSED_STREAM, f"stream {stream}")
                backlog.append(at)
                retried += 1
                del open_streams[stream]
        if client.goaways:
            last, code = client.goaways[-1]
            equal(code, NO_ERROR)
            for stream, at in list(open_streams.items()):
                if stream > last:
                    backlog.append(at)
                    retried += 1
                    del open_streams[stream]
            if not open_streams:
                client.until(lambda: client.closed)
                client = None
        elif client.closed:
            check(not open_streams, "closed without a word", open_streams)
            client = None
    print(f"done {done} retried {retried} connections {connections}", flush=True)


def slow_stream(port):
    """One that is half-way through when the server is told to go: it gets the rest."""
    client = Client(port, settings={4: 100_000}, credit=False)
    stream = client.request("GET", "/file")
    got = client.streams[stream]
    check(client.until(lambda: len(got.data) == 65_535))
    print("half", flush=True)
    check(client.until(lambda: client.goaways), "no goaway")
    # One that is asked for meanwhile is served, too, or refused by the number that counts.
    later = client.request("GET", "/says")
    client.window(0, 10_000_000)
    client.window(stream, 10_000_000)
    check(client.until(lambda: got.over and client.closed))
    equal((got.ended, len(got.data)), (True, 3000000))
    last, code = client.goaways[-1]
    equal(code, NO_ERROR)
    check(last >= stream)
    check(client.streams[later].ended or last < later, last)


def slow_reader(port):
    """One whose window has room for all of it, and that reads slowly while the server has done with the connection: what is on
    its way is not taken back."""
    client = Client(port, settings={4: 4_000_000}, receive_buffer=65536)
    stream = client.request("GET", "/file")
    got = client.streams[stream]
    check(client.until(lambda: len(got.data) > 100_000))
    print("begun", flush=True)
    deadline = time.monotonic() + 3 * PATIENCE
    while not got.over and not client.closed and time.monotonic() < deadline:
        before = len(got.data)
        client.read(1)
        # So slow is its way.
        time.sleep((len(got.data) - before) / 300_000)
    equal((got.ended, len(got.data)), (True, 3_000_000))


def events(port):
    """Event streams are sent away, and come back with their place: no event is lost, none comes twice."""
    heard, last, stream, client = [], None, None, None
    publisher, published = Client(port), 0
    print("begun", flush=True)
    deadline = time.monotonic() + PATIENCE
    comebacks = -1
    # Until the processes have been replaced, and all that was published was heard.
    while comebacks < 1 or len(heard) < published:
        check(time.monotonic() < deadline, heard[-5:], published)
        if client is None:
            fields = [("accept", "text/event-stream")] + ([("last-event-id", last)] if last else [])
            client, comebacks = Client(port), comebacks + 1
            stream, taken = client.request("GET", "/events/c", fields), 0
            check(client.until(lambda: b"\n\n" in client.streams[stream].data or client.streams[stream].over))
        if publisher.goaways or publisher.closed:
            publisher = Client(port)
        if comebacks < 1:
            post = publisher.request("POST", "/events/c", body=b"%d" % published)
            got = publisher.finish(post)
            if got.fields is not None and got.status in (200, 201, 202):
                published += 1
            else:
                check(publisher.goaways or publisher.closed, got.reset)
        client.read(0.005)
        got = client.streams[stream]
        blocks = got.data.split(b"\n\n")[:-1]
        for block in blocks[taken:]:
            taken += 1
            for line in block.split(b"\n"):
                if line.startswith(b"id: "):
                    last = line[4:].decode()
                if line.startswith(b"data: "):
                    heard.append(int(line[6:]))
        if got.over or client.closed:
            check(not client.closed or got.ended, "cut off")
            client = None
    equal(heard, list(range(published)))
    print(f"heard {comebacks}", flush=True)


if __name__ == "__main__":
    main(globals())
