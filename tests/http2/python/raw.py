"""Frames that are not as they should be, and what must come of them: h2spec's list of cases, and heads that no server may
take. A case is a list of bytes, and what may come of it:

    ("goaway", CODE…)   the connection ends, with one of these codes, or without a word
    ("reset", CODE…)    stream 1 ends with one of these codes; the connection goes on
    ("status", N…)      stream 1 is answered with one of these; the connection goes on
    ("either", CODE…)   one of the first two
    ("refused", CODE…)  one of them, or an answer that says so
    ("maybe", CODE…)    nothing need come of it, but if it is the connection's end, it is with one of these
    "alive"             nothing: the connection goes on
"""

from client import *

GO = ("goaway", PROTOCOL_ERROR)
SIZE = ("goaway", FRAME_SIZE_ERROR)
MALFORMED = ("reset", PROTOCOL_ERROR)


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def number(value, size=4):
    return value.to_bytes(size, "big")


DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 1, 1, 4, 8, 32


def literal(name, value):
    """A field without indexing and without Huffman's code: any bytes."""
    def text(data):
        data = data if isinstance(data, bytes) else data.encode()
        if len(data) < 127:
            return bytes([len(data)]) + data
        rest, out = len(data) - 127, b"\x7f"
        while rest >= 128:
            out, rest = out + bytes([rest % 128 + 128]), rest // 128
        return out + bytes([rest]) + data

    return b"\0" + text(name) + text(value)


def block(*fields, method="GET", path="/says", scheme="http", authority="127.0.0.1"):
    pseudo = [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority)]
    return b"".join(literal(*field) for field in pseudo if field[1] is not None) + b"".join(
        literal(*field) for field in fields
    )


def get(*fields, stream=1, flags=END_STREAM | END_HEADERS, **pseudo):
    return frame(HEADERS, flags, stream, block(*fields, **pseudo))


def put(*fields, path="/up/x", **more):
    return get(*fields, flags=END_HEADERS, method="PUT", path=path, **more)


OPEN = put()
LONG = "x" * 9000

CASES = {
    # The connection begins (RFC 9113 §3.4).
    "preface 1: SETTINGS come first": ([], "alive"),
    # Frames (§4).
    "4.1: an unknown frame is passed over": ([frame(0x16, 0, 0, b"x" * 8), get()], ("status", 200)),
    "4.1: undefined flags are": ([frame(PING, 0xFE, 0, b"x" * 8), get()], ("status", 200)),
    "4.1: so is the reserved bit": ([frame(PING, 0, 1 << 31, b"x" * 8), get()], ("status", 200)),
    "4.2: DATA of 2^14": ([OPEN, frame(DATA, END_STREAM, 1, b"x" * 16384)], ("status", 201, 204)),
    "4.2: DATA above it": ([OPEN, frame(DATA, 0, 1, b"x" * 16385)], ("goaway", FRAME_SIZE_ERROR)),
    "4.2: HEADERS above it": ([frame(HEADERS, 5, 1, block() + literal("x", "y" * 16385))], SIZE),
    "4.3: fields that cannot be decoded": ([frame(HEADERS, 5, 1, b"\xff\xff\xff\xff\xff")], ("goaway", COMPRESSION_ERROR)),
    "4.3: PRIORITY within a block": ([get(flags=END_STREAM), frame(PRIORITY, 0, 1, b"\0\0\0\0\1")], GO),
    "4.3: HEADERS of another stream within one": ([get(flags=END_STREAM), get(stream=3)], GO),
    # Streams (§5).
    "5.1: DATA on an idle stream": ([frame(DATA, 1, 1, b"x")], ("goaway", PROTOCOL_ERROR, STREAM_CLOSED)),
    "5.1: RST_STREAM on an idle stream": ([frame(RST, 0, 1, number(8))], GO),
    "5.1: WINDOW_UPDATE on an idle stream": ([frame(WINDOW, 0, 1, number(1))], GO),
    "5.1: CONTINUATION without HEADERS": ([frame(CONTINUATION, 4, 1, block())], GO),
    "5.1: DATA on a half-closed stream": ([get(path="/slow"), frame(DATA, 1, 1, b"x")], ("either", STREAM_CLOSED)),
    "5.1: HEADERS on a half-closed stream": ([get(path="/slow"), get()], ("either", STREAM_CLOSED, PROTOCOL_ERROR)),
    "5.1: CONTINUATION on one": ([get(path="/slow"), frame(CONTINUATION, 4, 1, b"")], ("goaway", PROTOCOL_ERROR, STREAM_CLOSED)),
    "5.1: DATA on a reset stream": ([OPEN, frame(RST, 0, 1, number(8)), frame(DATA, 1, 1, b"x")], ("maybe", STREAM_CLOSED)),
    "5.1: HEADERS on a reset stream": ([OPEN, frame(RST, 0, 1, number(8)), get()], ("maybe", STREAM_CLOSED, PROTOCOL_ERROR)),
    "5.1.1: an even number": ([get(stream=2)], GO),
    "5.1.1: a smaller number": ([get(stream=5), get(stream=3)], ("goaway", PROTOCOL_ERROR, STREAM_CLOSED)),
    "5.3.1: HEADERS that depend on themselves": ([frame(HEADERS, 0x25, 1, number(1) + b"\1" + block())], MALFORMED),
    "5.3.1: PRIORITY that depends on itself": ([frame(PRIORITY, 0, 1, number(1) + b"\1"), get()], MALFORMED),
    # Frames, one by one (§6).
    "6.1: DATA on stream 0": ([frame(DATA, 0, 0, b"x")], GO),
    "6.1: padding that is too long": ([OPEN, frame(DATA, PADDED, 1, b"\x05xxxx")], GO),
    "6.1: padding that fits": ([OPEN, frame(DATA, PADDED | END_STREAM, 1, b"\x02ab\0\0")], ("status", 201, 204)),
    "6.2: HEADERS on stream 0": ([get(stream=0)], GO),
    "6.2: padding that is too long, of HEADERS": ([frame(HEADERS, 0xD, 1, b"\xff" + block())], GO),
    "6.3: PRIORITY on stream 0": ([frame(PRIORITY, 0, 0, b"\0\0\0\0\1")], GO),
    "6.3: PRIORITY of another size": ([frame(PRIORITY, 0, 1, b"\0\0\0\1")], ("either", FRAME_SIZE_ERROR)),
    "6.3: PRIORITY as of old": ([frame(PRIORITY, 0, 1, b"\0\0\0\0\1"), get()], ("status", 200)),
    "6.4: RST_STREAM on stream 0": ([frame(RST, 0, 0, number(8))], GO),
    "6.4: RST_STREAM of another size": ([OPEN, frame(RST, 0, 1, b"\0\0\0")], SIZE),
    "6.5: SETTINGS on a stream": ([frame(SETTINGS, 0, 1)], GO),
    "6.5: SETTINGS of another size": ([frame(SETTINGS, 0, 0, b"\0\0\0")], SIZE),
    "6.5: an acknowledgement with something in it": ([frame(SETTINGS, ACK, 0, b"\0\3\0\0\0\1")], SIZE),
    "6.5.2: ENABLE_PUSH 2": ([frame(SETTINGS, 0, 0, b"\0\2" + number(2))], GO),
    "6.5.2: a window of 2^31": ([frame(SETTINGS, 0, 0, b"\0\4" + number(1 << 31))], ("goaway", FLOW_CONTROL_ERROR)),
    "6.5.2: frames of 2^14 - 1": ([frame(SETTINGS, 0, 0, b"\0\5" + number((1 << 14) - 1))], GO),
    "6.5.2: frames of 2^24": ([frame(SETTINGS, 0, 0, b"\0\5" + number(1 << 24))], GO),
    "6.5.2: an unknown setting": ([frame(SETTINGS, 0, 0, b"\0\xff" + number(1)), get()], ("status", 200)),
    "6.6: PUSH_PROMISE of a client": ([frame(PUSH, 4, 1, number(2) + block())], GO),
    "6.7: PING on a stream": ([frame(PING, 0, 1, b"x" * 8)], GO),
    "6.7: PING of another size": ([frame(PING, 0, 0, b"x" * 7)], SIZE),
    "6.7: an acknowledgement of none": ([frame(PING, ACK, 0, b"x" * 8), get()], ("status", 200)),
    "6.8: GOAWAY on a stream": ([frame(GOAWAY, 0, 1, number(0) + number(0))], GO),
    "6.9: WINDOW_UPDATE by 0": ([frame(WINDOW, 0, 0, number(0))], GO),
    "6.9: WINDOW_UPDATE by 0, of a stream": ([OPEN, frame(WINDOW, 0, 1, number(0))], ("either", PROTOCOL_ERROR)),
    "6.9: WINDOW_UPDATE of another size": ([frame(WINDOW, 0, 0, b"\0\0\1")], SIZE),
    "6.9.1: a window above 2^31 - 1": ([frame(WINDOW, 0, 0, number((1 << 31) - 1))] * 2, ("goaway", FLOW_CONTROL_ERROR)),
    "6.9.1: the same of a stream": ([OPEN] + [frame(WINDOW, 0, 1, number((1 << 31) - 1))] * 2, ("either", FLOW_CONTROL_ERROR)),
    "6.10: CONTINUATION on stream 0": ([get(flags=END_STREAM), frame(CONTINUATION, 4, 0, b"")], GO),
    "6.10: CONTINUATION behind the end": ([get(), frame(CONTINUATION, 4, 1, b"")], ("goaway", PROTOCOL_ERROR, STREAM_CLOSED)),
    "6.10: DATA instead of one": ([get(flags=END_STREAM), frame(DATA, 1, 1, b"x")], GO),
    "6.10: a block in pieces": ([frame(HEADERS, 1, 1, block()[:9]), frame(CONTINUATION, 0, 1, block()[9:20]), frame(CONTINUATION, 4, 1, block()[20:])], ("status", 200)),
    # Requests (§8).
    "8.1: trailers without an end": ([OPEN, frame(HEADERS, 4, 1, literal("x", "y"))], MALFORMED),
    # The crate takes it; nobody here looks at the trailers of requests.
    "8.1: a pseudo field in trailers": ([OPEN, frame(HEADERS, 5, 1, literal(":method", "GET"))], ("maybe", PROTOCOL_ERROR)),
    "8.2.1: a name in capitals": ([get(("X-Test", "a"))], ("either", PROTOCOL_ERROR)),
    "8.2.1: an empty name": ([get(("", "a"))], ("refused", PROTOCOL_ERROR, COMPRESSION_ERROR)),
    "8.2.1: a space in a name": ([get(("a b", "a"))], ("refused", PROTOCOL_ERROR, COMPRESSION_ERROR)),
    "8.2.1: a colon in one": ([get(("a:b", "a"))], ("refused", PROTOCOL_ERROR, COMPRESSION_ERROR)),
    "8.2.1: a line break in a value": ([get(("x-test", b"a\r\nx-admin: 1"))], ("refused", PROTOCOL_ERROR, COMPRESSION_ERROR)),
    "8.2.1: NUL in a value": ([get(("x-test", b"a\0b"))], ("refused", PROTOCOL_ERROR, COMPRESSION_ERROR)),
    "8.2.1: LF in a value": ([get(("x-test", b"a\nb"))], ("refused", PROTOCOL_ERROR, COMPRESSION_ERROR)),
    "8.2.2: Connection": ([get(("connection", "keep-alive"))], MALFORMED),
    "8.2.2: Keep-Alive": ([get(("keep-alive", "timeout=5"))], MALFORMED),
    "8.2.2: Proxy-Connection": ([get(("proxy-connection", "keep-alive"))], MALFORMED),
    "8.2.2: Transfer-Encoding": ([get(("transfer-encoding", "chunked"))], MALFORMED),
    "8.2.2: Upgrade": ([get(("upgrade", "h2c"))], MALFORMED),
    "8.2.2: TE: trailers": ([get(("te", "trailers"))], ("status", 200)),
    "8.2.2: another TE": ([get(("te", "gzip, trailers"))], MALFORMED),
    "8.3: an unknown pseudo field": ([get((":test", "x"))], ("refused", PROTOCOL_ERROR, COMPRESSION_ERROR)),
    "8.3: one of answers": ([get((":status", "200"))], ("either", PROTOCOL_ERROR)),
    "8.3: one behind a field": ([frame(HEADERS, 5, 1, literal("x", "y") + block())], ("either", PROTOCOL_ERROR)),
    "8.3: a method twice": ([get((":method", "GET"))], ("either", PROTOCOL_ERROR)),
    "8.3: a path twice": ([get((":path", "/"))], ("either", PROTOCOL_ERROR)),
    "8.3: a scheme twice": ([get((":scheme", "http"))], ("either", PROTOCOL_ERROR)),
    "8.3: an authority twice": ([get((":authority", "x"))], ("either", PROTOCOL_ERROR)),
    "8.3.1: no method": ([get(method=None)], MALFORMED),
    "8.3.1: no scheme": ([get(scheme=None)], MALFORMED),
    "8.3.1: no path": ([get(path=None)], MALFORMED),
    "8.3.1: an empty path": ([get(path="")], MALFORMED),
    "8.3.1: a path that is none": ([get(path="says")], MALFORMED),
    "8.3.1: a space in one": ([get(path="/says HTTP/1.1")], MALFORMED),
    "8.3.1: a line break in one": ([get(path=b"/says\r\nx: y")], ("refused", PROTOCOL_ERROR, COMPRESSION_ERROR)),
    "8.3.1: a path that leaves the root": ([get(path="/../x")], ("status", 400)),
    "8.3.1: a whole address": ([get(path="http://x/")], MALFORMED),
    "8.3.1: *": ([get(path="*", method="OPTIONS")], ("status", 400)),
    "8.3.1: no authority and no host": ([get(authority=None)], ("status", 400)),
    "8.3.1: a host alone": ([get(("host", "other.test"), authority=None)], ("status", 200)),
    "8.3.1: both, the same": ([get(("host", "x"), authority="x")], ("status", 200)),
    "8.3.1: both, different": ([get(("host", "y"), authority="x")], ("status", 400)),
    "8.3.1: two hosts": ([get(("host", "x"), ("host", "x"), authority=None)], ("status", 400)),
    "8.3.1: an authority that is none": ([get(authority="a b")], MALFORMED),
    "8.3.1: one with a name in it": ([get(authority="user@x")], ("status", 400)),
    "8.3.1: a method that is none": ([get(method="G T")], ("refused", PROTOCOL_ERROR, COMPRESSION_ERROR)),
    "8.3.1: one in small letters": ([get(method="get")], ("status", 400)),
    "8.1.1: a body that is too short": ([put(("content-length", "4")), frame(DATA, 1, 1, b"abc")], MALFORMED),
    "8.1.1: one that is too long": ([put(("content-length", "2")), frame(DATA, 1, 1, b"abc")], MALFORMED),
    "8.1.1: too long in several": ([put(("content-length", "2")), frame(DATA, 0, 1, b"a"), frame(DATA, 1, 1, b"bc")], MALFORMED),
    "8.1.1: none where one was told": ([get(("content-length", "2"), method="PUT", path="/up/x")], MALFORMED),
    "8.1.1: a length that is none": ([put(("content-length", "x")), frame(DATA, 1, 1, b"abc")], MALFORMED),
    "8.1.1: two lengths": ([put(("content-length", "3"), ("content-length", "4")), frame(DATA, 1, 1, b"abc")], ("either", PROTOCOL_ERROR)),
    "8.5: CONNECT with a path": ([get(method="CONNECT")], MALFORMED),
    "8.5: TRACE": ([get(method="TRACE")], ("status", 405)),
    # Sizes, as nginx: a page of 400.
    "a field that is too long": ([get(("x-long", LONG))], ("status", 400)),
    "a path that is": ([get(path="/" + LONG)], ("status", 400)),
    "too many fields": ([get(*[(f"x-{at}", "") for at in range(1001)])], ("status", 400, 431)),
    # HPACK (RFC 7541).
    "hpack 2.3.3: an index beyond the table": ([frame(HEADERS, 5, 1, block() + b"\xff\x80\x01")], ("goaway", COMPRESSION_ERROR)),
    "hpack 6.1: index 0": ([frame(HEADERS, 5, 1, block() + b"\x80")], ("goaway", COMPRESSION_ERROR)),
    "hpack 4.2: a table that is too large": ([frame(HEADERS, 5, 1, b"\x3f\xff\xff\x7f" + block())], ("goaway", COMPRESSION_ERROR)),
    "hpack 4.2: a change behind a field": ([frame(HEADERS, 5, 1, block() + b"\x20")], ("refused", COMPRESSION_ERROR)),
    "hpack 5.2: padding of Huffman's code above 7 bits": ([frame(HEADERS, 5, 1, block() + b"\0\x01x\x83\xff\xff\xff")], ("refused", COMPRESSION_ERROR)),
    "hpack 5.2: its end": ([frame(HEADERS, 5, 1, block() + b"\0\x01x\x84\xff\xff\xff\xfc")], ("refused", COMPRESSION_ERROR)),
}


def judge(port, parts, wanted):
    """What is wrong, if anything is."""
    client = Client(port)
    client.streams[1] = stream = Stream()
    client.until(lambda: client.settings)
    for part in parts:
        client.send(part)
    if wanted == "alive":
        return None if client.alive() else "dead"
    kind, *allowed = wanted
    if kind in ("refused", "maybe"):
        client.alive()
    elif kind == "goaway":
        client.until(lambda: client.closed)
    else:
        client.until(lambda: stream.over or client.closed)
    said = [code for _, code in client.goaways]
    # The crate that speaks HTTP/2 here has this word for all that it cannot read.
    allowed.append(PROTOCOL_ERROR if kind in ("goaway", "refused", "either") else allowed[0])
    ended = client.closed or bool(said)
    seen = f"goaway {said}, closed {client.closed}, reset {stream.reset}, fields {stream.fields and stream.fields[0]}"
    fits = {
        "goaway": ended and all(code in allowed for code in said),
        "reset": not ended and stream.reset in allowed,
        "status": not ended and stream.fields is not None and stream.status in allowed,
        "either": (ended and all(code in allowed for code in said)) or stream.reset in allowed,
        "refused": (ended and all(code in allowed for code in said))
        or stream.reset in allowed
        or (stream.fields is not None and stream.status >= 400),
        "maybe": not ended or all(code in allowed for code in said),
    }[kind]
    if fits and not ended and kind in ("reset", "status") and not client.alive():
        return seen + ", and the connection is dead"
    client.close()
    return None if fits else seen


def table(port):
    wrong = []
    # The next one has to wait.
    Client(port).get("/slow")
    for name, (parts, wanted) in CASES.items():
        seen = judge(port, parts, wanted)
        if seen:
            wrong.append(f"{name}: {wanted}, but {seen}")
    check(not wrong, "\n" + "\n".join(wrong))
    check(len(CASES) > 100)


def prefaces(port):
    """What is no preface is HTTP/1, whose answer says that it is none."""
    whole = PREFACE + frame(SETTINGS, 0, 0) + get()
    for size in (1, 5, 23, 24, 25):
        client = Client(port, begin=False)
        client.streams[1] = stream = Stream()
        for at in range(0, len(whole), size):
            client.send(whole[at : at + size])
        check(client.until(lambda: stream.over), size)
        equal(stream.status, 200)
    for first in (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"GET /says HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", b"P", b"PUT /says HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"):
        client = Client(port, begin=False)
        client.send(first)
        client.socket.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := client.socket.recv(65536):
            answer += piece
        if first == b"P":
            equal(answer, b"")
            continue
        check(answer.startswith(b"HTTP/1.1 " + (b"200" if b"/says" in first else b"")), first, answer)
        check(b"101" not in answer.split(b"\r\n")[0])


if __name__ == "__main__":
    main(globals())
