"""Clients that say less than they could: nothing of windows, of pings, of what they have had enough of."""

import time

from client import *


def urgent(port):
    """Who takes nothing of an urgent answer gets the others all the same, and has not to say a word for that."""
    for urgency in (b"u=1", b"u=3"):
        client = Client(port, settings={4: 65535}, credit=False)
        client.window(0, 1 << 30)
        stalled = client.request("GET", "/file", [("priority", urgency)])
        check(client.until(lambda: len(client.streams[stalled].data) == 65535))
        other = client.request("GET", "/trailers/says", [("priority", "u=5")])
        whole = client.request("GET", "/file", [("priority", "u=5")])
        client.window(whole, 1 << 30)
        equal(client.finish(other).data, b"says")
        equal(len(client.finish(whole).data), 3000000)


def apart(port):
    """Requests of event streams whose end comes in a frame of its own: the streams end with their clients."""
    client = Client(port)
    opened = []
    for _ in range(20):
        stream = client.request("GET", "/events/apart", [("accept", "text/event-stream")], end=False)
        client.data(stream, b"")
        opened.append(stream)
    check(client.until(lambda: all(client.streams[stream].fields for stream in opened)))
    for stream in opened[:10]:
        client.reset(stream)
    check(client.alive())
    client.socket.close()


def unheard(port):
    """A client that acknowledges no ping, and always has a stream open, is told to go: what it asks for later is not heard."""
    client = Client(port)
    client.answers_pings = False
    client.request("GET", "/events/unheard", [("accept", "text/event-stream")])
    asked, deadline = 0, time.monotonic() + PATIENCE
    while not is_bound(client):
        check(time.monotonic() < deadline, client.goaways)
        asked = client.request("GET", "/says")
        check(client.until(lambda: client.streams[asked].over or is_bound(client)), client.goaways)
    last, code = client.goaways[-1]
    equal(code, NO_ERROR)
    later = client.request("GET", "/says")
    check(client.alive() and last >= asked - 2)
    equal(client.streams[later].fields, None)


def is_bound(client):
    """Whether it has been told which stream is its last."""
    return bool(client.goaways) and client.goaways[-1][0] < (1 << 31) - 1


def trickle(client, stream, until):
    """An upload that comes in drops: none of them is late."""
    deadline = time.monotonic() + PATIENCE
    while not until():
        check(time.monotonic() < deadline, client.goaways, client.closed)
        client.data(stream, b"x", end=False)
        client.read(0.05)


def held(port, pings):
    """Who holds a stream is told which is its last, and completes that."""
    client = Client(port)
    check(client.until(lambda: client.settings))
    client.answers_pings = pings == "heard"
    stream = client.request("PUT", "/up/held", end=False)
    client.data(stream, b"x", end=False)
    check(client.alive())
    print("begun", flush=True)
    trickle(client, stream, lambda: is_bound(client))
    equal(client.goaways[-1], (stream, NO_ERROR))
    later = client.request("GET", "/says")
    client.data(stream, b"")
    equal(client.finish(stream).status, 201)
    check(client.until(lambda: client.closed))
    equal(client.streams[later].fields, None)


def held_on(port):
    """Who holds a stream for longer than a worker waits."""
    client = Client(port)
    check(client.until(lambda: client.settings))
    stream = client.request("PUT", "/up/held", end=False)
    client.data(stream, b"x", end=False)
    check(client.alive())
    print("begun", flush=True)
    trickle(client, stream, lambda: client.closed)


def crowded(port):
    """Where there is no room, those go that have been idle longest, and hear of it; not those that are at work."""
    def one():
        client = Client(port)
        equal(client.get("/says").status, 200)
        return client

    asking, held = one(), Client(port)
    opened = held.request("GET", "/events/crowd", [("accept", "text/event-stream")])
    check(held.until(lambda: held.streams[opened].fields))
    idle = [one() for _ in range(10)]
    equal(asking.get("/says").status, 200)
    late = []
    while not idle[0].readable(0):
        late.append(one())
        check(len(late) < 16)
    check(idle[0].until(lambda: idle[0].closed))
    equal(idle[0].goaways, [(1, NO_ERROR)])
    equal(asking.get("/says").status, 200)
    check(held.alive() and not held.goaways)


def invalid(port):
    """Requests that no server may take: each is refused by itself."""
    client = Client(port)
    check(client.until(lambda: client.settings))

    def refused(stream):
        equal(client.finish(stream).reset, PROTOCOL_ERROR)

    for fields in ([("connection", "close")], [("te", "gzip")], [(":status", "200")]):
        refused(client.request("GET", "/says", fields))
    pseudo = [(":method", "GET"), (":scheme", "http"), (":authority", client.authority)]
    refused(client.headers(client.encoder.encode(pseudo)))
    refused(client.request("PUT", "/up/invalid", [("content-length", "3")], body=b"four"))
    for _ in range(20):
        refused(client.request("GET", "/says", [("connection", "close")]))
    check(client.alive())


def unbegun(port):
    """A client that has connected, and said nothing, or half of its first words."""
    half = Client(port, begin=False)
    half.send(PREFACE[:10])
    whole = Client(port, begin=False)
    whole.send(PREFACE)
    print("begun", flush=True)
    check(half.until(lambda: half.closed) and whole.until(lambda: whole.closed))


def slow_body(port):
    """A frame of a body comes slowly, and is not too slow; one of a head would be."""
    client = Client(port)
    client.until(lambda: client.settings)
    stream = client.request("PUT", "/up/slow", end=False)
    frame = frames.DataFrame(stream, b"x" * 60, flags=["END_STREAM"]).serialize()
    for at in range(0, len(frame), 3):
        client.send(frame[at : at + 3])
        client.read(0.07)
    equal(client.finish(stream).status, 201)
    head = frames.HeadersFrame(99, client.block_of("GET", "/says"), flags=["END_HEADERS", "END_STREAM"]).serialize()
    for at in range(len(head)):
        client.send(head[at : at + 1])
        client.read(0.2)
        if client.goaways or client.closed:
            break
    check(client.goaways or client.closed)


def first(port):
    """`keepalive_timeout 0`: the first request is answered, and is the last."""
    client = Client(port, begin=False)
    client.send(PREFACE + frames.SettingsFrame(0).serialize())
    # Not a word more is owed when its request comes.
    check(client.until(lambda: client.acks))
    equal(client.get("/says").status, 200)
    check(client.until(lambda: client.closed))


def lingers(port):
    """Who does not end its request is in nobody's way when it has its answer."""
    client = Client(port)
    first = client.request("GET", "/trailers/says", [("priority", "u=0")], end=False)
    check(client.until(lambda: client.streams[first].data == b"says"))
    equal(len(client.get("/file", [("priority", "u=3")]).data), 3000000)
    equal(client.streams[first].reset, None, "it is still waited for")


def tunnels(port):
    """What is no WebSocket does not say that it is a tunnel (RFC 8441 §5)."""
    client = Client(port)
    check(client.until(lambda: client.settings))
    for path in ("/file", "/says"):
        block = client.encoder.encode([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
                                       (":path", path), (":authority", client.authority)])
        equal(client.finish(client.headers(block, ["END_HEADERS"])).status, 501)
    check(client.alive())


def given_up(port):
    """Uploads that are given up: by a reset, by the connection's end."""
    client = Client(port)
    client.until(lambda: client.settings)
    stream = client.request("PUT", "/up/given", end=False)
    client.data(stream, b"some", end=False)
    check(client.alive())
    client.reset(stream)
    stream = client.request("PUT", "/up/up", end=False)
    client.data(stream, b"some", end=False)
    check(client.alive())
    client.socket.close()


if __name__ == "__main__":
    main(globals())
