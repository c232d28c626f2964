"""What goes over streams: requests of all kinds, event streams, WebSockets, live video, trailers."""

import os
import socket
import struct
import threading
import time

from client import *


def requests(port):
    client = Client(port)
    one = client.get("/says?a=b", [("x-test", "1"), ("cookie", "a=1"), ("cookie", "b=2")])
    equal(one.data, b"/says?a=b|GET|a=1; b=2|1|h2c|HTTP/2.0")
    equal(one.field("content-length"), str(len(one.data)))
    for name in ("connection", "keep-alive", "transfer-encoding"):
        equal(one.field(name), None)
    head = client.get("/file", method="HEAD")
    equal((head.status, head.data, head.field("content-length")), (200, b"", "3000000"))
    part = client.get("/file", [("range", "bytes=10-19")])
    equal((part.status, len(part.data), part.field("content-range")), (206, 10, "bytes 10-19/3000000"))
    equal(client.get("/none").status, 404)
    equal(client.get("/again").data, b"page 404")
    equal(client.get("/", authority="other.test").data, b"other")
    # All at once, in any order, each what it asked for.
    many = [client.request("GET", f"/says?{at}") for at in range(100)]
    for at, stream in enumerate(many):
        check(client.finish(stream).data.startswith(b"/says?%d|" % at))
    whole = client.get("/file")
    equal(len(whole.data), 3000000)
    largest = max(len(frame.data) for frame in whole.frames if frame.type == 0)
    equal(largest, 8192)
    check(client.alive())


def bodies(port):
    client = Client(port)
    put = client.finish(client.request("PUT", "/up/a", body=b"x" * 50_000))
    equal(put.status, 201)
    # With a length, and without; in pieces, and empty ones between.
    client.until(lambda: client.settings)
    stream = client.request("PUT", "/up/b", [("content-length", "6")], end=False)
    for piece in (b"abc", b"", b"def"):
        client.data(stream, piece, end=piece == b"def")
    equal(client.finish(stream).status, 201)
    equal(client.get("/up/b").data, b"abcdef")
    # One is told to go on before it sends.
    stream = client.request("PUT", "/up/c", [("expect", "100-continue")], end=False)
    check(client.until(lambda: client.streams[stream].informational))
    client.data(stream, b"now")
    equal(client.finish(stream).status, 201)
    # Too long: told beforehand, or found out.
    equal(client.finish(client.request("PUT", "/up/d", [("content-length", "300000")], end=False)).status, 413)
    stream = client.request("PUT", "/up/d", end=False)
    sent = 0
    while sent < 150_000 and not client.streams[stream].over:
        client.data(stream, b"y" * 10_000, end=False)
        sent += 10_000
        client.read(0.02)
    equal(client.finish(stream).status, 413)
    # Trailers of a request are taken.
    stream = client.request("PUT", "/up/e", body=b"body", end=False)
    client.headers(client.encoder.encode([("x-sum", "1")]), stream=stream)
    equal(client.finish(stream).status, 201)
    # Whoever does not want a body answers without it, and the connection goes on.
    stream = client.request("POST", "/says", body=b"z" * 10_000, end=False)
    check(client.finish(stream).data.startswith(b"/says|POST"))
    check(client.alive())


def windows(port):
    """A client that takes nothing, and then all: nothing is sent beyond what it has room for."""
    client = Client(port, settings={4: 1000}, credit=False)
    stream = client.request("GET", "/file")
    got = client.streams[stream]
    check(client.until(lambda: len(got.data) == 1000))
    check(client.alive() and len(got.data) == 1000)
    client.window(stream, 1)
    check(client.until(lambda: len(got.data) == 1001))
    # Room that a change of settings makes, or takes away (RFC 9113 §6.9.2).
    client.frame(frames.SettingsFrame(0, settings={4: 3000}))
    check(client.until(lambda: len(got.data) == 3001))
    client.frame(frames.SettingsFrame(0, settings={4: 0}))
    check(client.alive())
    client.window(stream, 2999)
    check(client.alive() and len(got.data) == 3001)
    client.window(stream, 10_000_000)
    check(client.until(lambda: len(got.data) == 65_535))
    check(client.alive() and len(got.data) == 65_535)
    # Another one waits for the same connection's room.
    other = client.request("GET", "/says")
    client.window(other, 100_000)
    client.window(0, 10_000_000)
    client.credit = True
    check(client.until(lambda: client.streams[other].ended and got.ended))
    equal(len(got.data), 3000000)


def resets(port):
    """Streams that are given up: what they had is given back, the rest goes on."""
    client = Client(port)
    for at in range(60):
        stream = client.request("GET", "/file")
        client.until(lambda: client.streams[stream].data)
        client.reset(stream)
        check(client.get("/says").data.startswith(b"/says"))
    client.get("/slow")
    waits = client.request("GET", "/slow")
    check(client.alive())
    client.reset(waits)
    check(client.alive())


def event(data):
    return next((line[5:].strip() for line in data.split(b"\n") if line.startswith(b"data:")), None)


def events(port, count="200"):
    """Many event streams on one connection; each gets each event once, and what it has missed when it comes back."""
    count = int(count)
    client, publisher = Client(port), Client(port)
    streams = [client.request("GET", f"/events/c{at % 4}", [("accept", "text/event-stream")]) for at in range(count)]
    check(client.until(lambda: all(b"\n\n" in client.streams[one].data for one in streams)))
    for one in streams:
        equal(client.streams[one].status, 200)
        equal(client.streams[one].field("content-type"), "text/event-stream")
        equal(client.streams[one].field("transfer-encoding"), None)
    for number in range(5):
        for channel in range(4):
            said = publisher.finish(publisher.request("POST", f"/events/c{channel}", body=b"event-%d" % number))
            check(said.status in (200, 201, 202), said.status)
    wanted = [b"event-%d" % number for number in range(5)]

    def heard(one):
        lines = client.streams[one].data.split(b"\n")
        return [line[6:] for line in lines if line.startswith(b"data: event")]

    check(client.until(lambda: all(len(heard(one)) == 5 for one in streams)))
    for one in streams:
        equal(heard(one), wanted)
    # It comes back with the id that it had after the second event.
    lines = client.streams[streams[0]].data.split(b"\n")
    ids = [line[4:] for line in lines if line.startswith(b"id: ")]
    client.reset(streams[0])
    place = next(ids[at] for at in range(len(ids)) if lines.index(b"id: " + ids[at]) > lines.index(b"data: event-1") - 3)
    fields = [("accept", "text/event-stream"), ("last-event-id", place.decode())]
    streams[0] = client.request("GET", "/events/c0", fields)
    check(client.until(lambda: heard(streams[0])[-1:] == [b"event-4"]))
    check(2 <= len(heard(streams[0])) <= 4, heard(streams[0]))
    # Whoever has gone is not counted any more.
    for one in streams[1:]:
        client.reset(one)
    check(client.alive())
    equal(publisher.finish(publisher.request("POST", "/events/c0", body=b"event-9")).status in (200, 201, 202), True)
    check(client.until(lambda: heard(streams[0])[-1:] == [b"event-9"]))


def hold(port, count, path):
    """Opens so many streams, says so, and holds them until it is told to end."""
    client = Client(port)
    streams = [client.request("GET", path) for _ in range(int(count))]
    check(client.until(lambda: all(client.streams[one].data for one in streams)))
    print("held", flush=True)
    input()


def segments(client):
    """Those with data that the kernel has received on a connection (`tcpi_data_segs_in`)."""
    info = client.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
    return int.from_bytes(info[152:156], sys.byteorder)


def together(port):
    """What an event is on many streams of a connection goes out together."""
    client, publisher = Client(port), Client(port)
    streams = [client.request("GET", "/events/c", [("accept", "text/event-stream")]) for _ in range(100)]
    check(client.until(lambda: all(client.streams[one].data for one in streams)))
    before = segments(client)
    said = publisher.finish(publisher.request("POST", "/events/c", body=b"x" * 1200))
    check(said.status in (200, 201, 202), said.status)
    check(client.until(lambda: all(b"x" * 1200 in client.streams[one].data for one in streams)))
    check(segments(client) - before <= 8, segments(client) - before)


def deaf(port):
    """Clients with a lot of room on each of their event streams that take nothing of them any more."""
    clients = [Client(port, settings={4: 1 << 24}, receive_buffer=1 << 14) for _ in range(5)]
    fields = [("accept", "text/event-stream")]
    for client in clients:
        streams = [client.request("GET", "/events/c", fields) for _ in range(100)]
        check(client.until(lambda: all(client.streams[one].data for one in streams)))
    listener, publisher = Client(port), Client(port)
    stream = listener.request("GET", "/events/c", fields)
    check(listener.until(lambda: listener.streams[stream].data))
    print("deaf", flush=True)
    input()
    for at in range(100):
        said = publisher.finish(publisher.request("POST", "/events/c", body=b"%d" % at + b"x" * 16000))
        check(said.status in (200, 201, 202), said.status)
    check(listener.until(lambda: b"data: 99x" in listener.streams[stream].data))
    print("told", flush=True)
    input()


def websocket(port, path="/events/ws"):
    """RFC 8441"""
    client = Client(port)
    client.until(lambda: client.settings)
    equal(client.settings.get(8), 1)
    pseudo = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", path), (":authority", client.authority)]
    fields = [("sec-websocket-version", "13"), ("origin", f"http://{client.authority}")]
    stream = client.headers(client.encoder.encode(pseudo + fields), ["END_HEADERS"])
    got = client.streams[stream]
    check(client.until(lambda: got.fields))
    equal(got.status, 200)
    for name in ("sec-websocket-accept", "upgrade", "connection", "content-length"):
        equal(got.field(name), None)

    def messages():
        out, data = [], got.data
        while len(data) >= 2:
            length, at = data[1] & 127, 2
            if length == 126:
                length, at = struct.unpack("!H", data[2:4])[0], 4
            if len(data) < at + length:
                break
            out.append((data[0] & 15, data[at : at + length]))
            data = data[at + length :]
        return out

    publisher = Client(port)
    for number in range(3):
        publisher.finish(publisher.request("POST", path, body=b"said-%d" % number))
    check(client.until(lambda: sum(b"said-" in body for _, body in messages()) == 3))
    # A ping in two frames is answered; a close is, too, and ends the stream.
    ping = b"\x89\x84" + b"\0\0\0\0" + b"ping"
    client.data(stream, ping[:3], end=False)
    client.data(stream, ping[3:], end=False)
    check(client.until(lambda: (10, b"ping") in messages()))
    client.data(stream, b"\x88\x82\0\0\0\0\x03\xe8", end=False)
    check(client.until(lambda: got.over))
    check(any(kind == 8 for kind, _ in messages()))
    equal((got.ended, got.reset), (True, None))
    # Another protocol is none of ours; a plain CONNECT has no tunnel here.
    pseudo[1] = (":protocol", "other")
    stream = client.headers(client.encoder.encode(pseudo), ["END_HEADERS"])
    equal(client.finish(stream).status, 501)
    stream = client.headers(client.encoder.encode([(":method", "CONNECT"), (":authority", "x:1")]))
    equal(client.finish(stream).status, 405)


def flv(port):
    """Live video over a stream: unframed."""
    client = Client(port)
    stream = client.request("GET", "/flv?app=live&stream=s")
    got = client.streams[stream]
    check(client.until(lambda: len(got.data) > 100_000), got.fields, len(got.data), got.reset)
    equal((got.status, got.data[:3], got.field("content-length")), (200, b"FLV", None))


def trailers(port):
    client = Client(port)
    for path in ("/trailers/file", "/trailers/says"):
        got = client.get(path)
        equal((got.status, got.trailers, got.reset), (200, [("x-sum", path)], None))
        equal(got.field("content-length"), None)
    equal(client.get("/trailers/file", method="HEAD").trailers, None)
    equal(len(client.get("/trailers/file").data), 100_000)


def zero_window(port):
    """A stream whose window stays 0 is given up after `send_timeout`; the connection goes on."""
    client = Client(port, settings={4: 0}, credit=False)
    held = [client.request("GET", "/file") for _ in range(20)]
    check(client.until(lambda: all(client.streams[one].reset is not None for one in held)))
    check(client.alive())


def cut(port):
    """A body that breaks off does not look complete."""
    client = Client(port, credit=False, settings={4: 100_000})
    stream = client.request("GET", "/cut")
    got = client.streams[stream]
    check(client.until(lambda: len(got.data) > 60_000))
    print("cut now", flush=True)
    input()
    client.window(0, 10_000_000)
    client.window(stream, 10_000_000)
    check(client.until(lambda: got.over))
    equal((got.ended, got.reset), (False, INTERNAL_ERROR))
    check(client.alive())


def idle(port):
    """`keepalive_timeout`: the client is told, and the connection closed."""
    client = Client(port)
    client.get("/says")
    check(client.until(lambda: client.closed))
    equal([code for _, code in client.goaways], [NO_ERROR])
    equal(client.goaways[-1][0], 1)


def slow(port):
    """`client_header_timeout`: who is slow with a preface, a frame or a block of fields is not waited for."""
    beginnings = [
        b"",
        PREFACE[:10],
        PREFACE,
        PREFACE + b"\0\0",
        PREFACE + frames.SettingsFrame(0).serialize() + frames.HeadersFrame(1, b"\x82", flags=[]).serialize(),
    ]
    clients = []
    for beginning in beginnings:
        client = Client(port, begin=False)
        client.send(beginning)
        clients.append(client)
    for client in clients:
        if client is clients[2]:
            continue
        check(client.until(lambda: client.closed), beginnings[clients.index(client)])
    # A body that does not come is a 408 in the log, and the stream's end alone.
    client = Client(port)
    stream = client.request("PUT", "/up/never", body=b"a", end=False)
    check(client.until(lambda: client.streams[stream].over))
    check(client.alive())


def requests_of_one(port, most):
    """`keepalive_requests`"""
    client = Client(port)
    most = int(most)
    for _ in range(most):
        equal(client.get("/says").status, 200)
    check(client.until(lambda: client.closed))
    equal(client.goaways[-1], (2 * most - 1, NO_ERROR))


def priorities(port):
    """RFC 9218: what is urgent goes first; of those that are equally so and not incremental, the first; the others share."""
    def served(fields):
        client = Client(port, settings={4: 1 << 30}, credit=False)
        client.until(lambda: client.settings)
        streams = [client.request("GET", "/file", [("priority", one)] if one else []) for one in fields]
        client.window(0, 100_000_000)
        check(client.until(lambda: all(client.streams[one].ended for one in streams)))
        ends = {}
        for at, (stream, _) in enumerate(client.order):
            ends[stream] = at
        return sorted(streams, key=lambda one: ends[one]), streams, client.order

    last, streams, _ = served(["u=7", "u=5", "u=0"])
    equal(last, [streams[2], streams[1], streams[0]])
    last, streams, _ = served(["u=3", "u=3", "u=3"])
    equal(last, streams)
    last, streams, order = served(["u=1, i", "u=1, i"])
    turns = [stream for stream, size in order if size]
    changes = sum(a != b for a, b in zip(turns, turns[1:]))
    check(changes > 20, changes)


def panics(port):
    client = Client(port)
    stream = client.request("GET", "/says")
    client.finish(stream)
    check(client.alive())


if __name__ == "__main__":
    main(globals())
