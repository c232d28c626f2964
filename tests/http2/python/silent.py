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
    """A client that acknowledges no ping, and always has a stream open, is told to go: so it may not go on asking."""
    client = Client(port)
    client.answers_pings = False
    client.request("GET", "/events/unheard", [("accept", "text/event-stream")])
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        one = client.get("/says")
        if one.reset is not None or client.closed:
            break
    equal(one.reset, REFUSED_STREAM)
    check(client.goaways)


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
    time.sleep(0.1)
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
