"""Clients that ask for much and give nothing. Each must be told to calm down, or be bounded otherwise, and nobody else
may notice."""

import time

from client import *
from raw import *

CALM = ENHANCE_YOUR_CALM


def flood(port, each, most=200_000, batch=500, codes=(CALM,)):
    """Sends frames until the server has enough of it. Gives how many that were."""
    client = Client(port)
    client.until(lambda: client.settings)
    sent = 0
    while sent < most and not client.closed and not client.goaways:
        client.send(b"".join(each(sent + at) for at in range(batch)))
        sent += batch
        while client.read(0):
            pass
    check(client.until(lambda: client.goaways or client.closed))
    check(client.until(lambda: client.closed))
    codes_seen = [code for _, code in client.goaways]
    check(all(code in codes for code in codes_seen), codes_seen)
    other = Client(port)
    check(other.get("/says").status == 200)
    return sent


def all_kinds(port):
    odd = lambda at: 2 * at + 1
    table = {
        "SETTINGS": lambda at: frame(SETTINGS, 0, 0),
        "SETTINGS with something": lambda at: frame(SETTINGS, 0, 0, b"\0\4" + number(65535 + at % 7)),
        "PING": lambda at: frame(PING, 0, 0, b"x" * 8),
        "PRIORITY": lambda at: frame(PRIORITY, 0, odd(at), b"\0\0\0\0\1"),
        "WINDOW_UPDATE": lambda at: frame(WINDOW, 0, 0, number(1)),
        "unknown": lambda at: frame(0xBE, 0, 0),
        "unknown and large": lambda at: frame(0xBE, 0, 0, b"x" * 8000),
        "rapid reset": lambda at: get(stream=odd(at)) + frame(RST, 0, odd(at), number(8)),
        "rapid reset of bodies": lambda at: get(stream=odd(at), path="/up/x", method="PUT", flags=4) + frame(RST, 0, odd(at), number(8)),
        "empty DATA": lambda at: (OPEN if at == 0 else b"") + frame(DATA, 0, 1),
        "DATA of a byte": lambda at: (put(path="/slow-body") if at == 0 else b"") + frame(DATA, 0, 1, b"x"),
        "CONTINUATION": lambda at: get(flags=1) if at == 0 else frame(CONTINUATION, 0, 1, literal("x", "y" * 100)),
        "empty CONTINUATION": lambda at: get(flags=1) if at == 0 else frame(CONTINUATION, 0, 1),
        "server's resets": lambda at: get(stream=odd(at), path="/file", flags=5) + frame(WINDOW, 0, odd(at), number(0)),
        "malformed heads": lambda at: get(("connection", "x"), stream=odd(at)),
        "refused streams": lambda at: get(stream=odd(at), path="/slow"),
        "half-closed": lambda at: get(stream=odd(at), path="/slow") + frame(DATA, 1, odd(at), b"x"),
    }
    Client(port).get("/slow")
    Client(port).get("/slow-body")
    for name, each in table.items():
        codes = (CALM, PROTOCOL_ERROR, STREAM_CLOSED, FLOW_CONTROL_ERROR, COMPRESSION_ERROR, INTERNAL_ERROR)
        codes = codes if name in ("server's resets", "half-closed", "CONTINUATION", "empty CONTINUATION", "DATA of a byte") else (CALM,)
        try:
            sent = flood(port, each, codes=codes)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}")
        check(sent <= 100_000, name, sent)


def bombs(port):
    """Fields that are small on the wire and large in memory."""
    client = Client(port)
    # In the table, and then named again and again.
    first = client.encoder.encode([(":method", "GET"), (":scheme", "http"), (":path", "/says"), (":authority", "x")])
    # The newest of the dynamic table is 62.
    big = b"\x40" + literal("x-bomb", "y" * 3000)[1:]
    many = frame(HEADERS, 5, 1, first + big + b"\xbe" * 4000)
    client.streams[1] = stream = Stream()
    client.send(many)
    client.until(lambda: stream.over or client.closed)
    check(client.closed or client.goaways or stream.status in (400, 431), stream.fields)
    # Crumbs, each of which is a field.
    client = Client(port)
    crumbs = b"".join(literal("cookie", "a") for _ in range(2000))
    client.streams[1] = stream = Stream()
    client.send(frame(HEADERS, 1, 1, block() + crumbs[: 8 * 1000]) + frame(CONTINUATION, 4, 1, crumbs[8 * 1000 :]))
    client.until(lambda: stream.over or client.closed)
    check(client.closed or stream.status in (200, 400, 431), stream.fields)


def pinned(port, connections="20"):
    """Many connections with as many streams as they may have, that take nothing."""
    clients = []
    for _ in range(int(connections)):
        client = Client(port, settings={4: 0}, credit=False)
        client.until(lambda: client.settings)
        client.send(b"".join(get(stream=2 * at + 1, path="/file") for at in range(100)))
        clients.append(client)
    for client in clients:
        check(client.until(lambda: sum(one.fields is not None for one in client.streams.values()) == 100))
    print("pinned", flush=True)
    input()


def browser(port):
    """What browsers do is no flood."""
    client = Client(port)
    for at in range(20):
        streams = [client.request("GET", "/file") for _ in range(30)]
        client.until(lambda: any(client.streams[one].data for one in streams))
        for one in streams:
            client.reset(one)
        check(client.alive(), client.goaways, at)
        time.sleep(0.02)
        for _ in range(40):
            equal(client.get("/says").status, 200)
    for _ in range(2000):
        client.frame(frames.PingFrame(0, b"12345678"))
    check(client.until(lambda: client.pongs >= 2000))


if __name__ == "__main__":
    main(globals())
