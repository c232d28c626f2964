"""A client of HTTP/2 whose every frame a test decides: hyperframe cuts frames, hpack codes fields, and nothing here keeps
to the protocol by itself but what `Client` is told to."""

import os
import select
import socket
import ssl
import sys
import time

from hpack import Decoder, Encoder
from hyperframe import frame as frames
from hyperframe.frame import Frame

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PATIENCE = 20
TLS = "RSERVE_TLS" in os.environ
WINDOW = (1 << 31) - 1

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL = 5, 6, 7, 8
COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 9, 11


def encrypted(connection):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    connection = context.wrap_socket(connection)
    equal(connection.selected_alpn_protocol(), "h2")
    return connection


class Stream:
    def __init__(self):
        self.fields, self.data, self.trailers, self.informational = None, b"", None, []
        self.ended, self.reset, self.frames = False, None, []

    @property
    def status(self):
        return int(self.field(":status"))

    def field(self, name):
        values = self.values(name)
        return values[0] if values else None

    def values(self, name):
        return [value for key, value in self.fields or [] if key == name]

    @property
    def over(self):
        return self.ended or self.reset is not None


class Client:
    """A connection. `credit`: room is made again for what has been read."""

    def __init__(self, port, settings=None, credit=True, begin=True, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if TLS:
            self.socket = encrypted(self.socket)
        self.encoder, self.decoder = Encoder(), Decoder()
        self.streams, self.next_id, self.buffer, self.block = {}, 1, b"", b""
        self.goaways, self.closed, self.settings, self.acks, self.pongs = [], False, {}, 0, 0
        self.credit, self.authority = credit, f"127.0.0.1:{port}"
        self.order, self.answers_pings = [], True
        if begin:
            first = frames.SettingsFrame(0, settings=settings or {})
            self.send(PREFACE + first.serialize())
            if credit:
                self.send(frames.WindowUpdateFrame(0, window_increment=1 << 30).serialize())

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            self.closed = True

    def frame(self, frame):
        self.send(frame.serialize())

    def block_of(self, method, path, fields=(), authority=None, scheme="http"):
        pseudo = [(":method", method), (":scheme", scheme), (":path", path)]
        pseudo.append((":authority", self.authority if authority is None else authority))
        return self.encoder.encode(pseudo + list(fields))

    def headers(self, block, flags=("END_HEADERS", "END_STREAM"), stream=None):
        """A HEADERS frame with this block; gives the stream's number."""
        stream = stream or self.next_id
        self.next_id = max(self.next_id, stream + 2)
        self.streams.setdefault(stream, Stream())
        self.frame(frames.HeadersFrame(stream, block, flags=list(flags)))
        return stream

    def request(self, method, path, fields=(), body=None, end=True, **more):
        block = self.block_of(method, path, fields, **more)
        flags = ["END_HEADERS"] + (["END_STREAM"] if body is None and end else [])
        stream = self.headers(block, flags)
        if body is not None:
            self.data(stream, body, end)
        return stream

    def data(self, stream, body, end=True):
        for at in range(0, max(len(body), 1), 16384):
            piece = body[at : at + 16384]
            last = at + 16384 >= len(body)
            flags = ["END_STREAM"] if end and last else []
            self.frame(frames.DataFrame(stream, piece, flags=flags))

    def reset(self, stream, code=CANCEL):
        self.frame(frames.RstStreamFrame(stream, error_code=code))

    def window(self, stream, increment):
        self.frame(frames.WindowUpdateFrame(stream, window_increment=increment))

    def get(self, path, fields=(), method="GET", **more):
        stream = self.request(method, path, fields, **more)
        return self.finish(stream)

    def finish(self, stream):
        self.until(lambda: self.streams[stream].over or self.closed)
        return self.streams[stream]

    def until(self, ready, patience=PATIENCE):
        """Reads until `ready`; the connection's end is none. `False`: it does not come."""
        deadline = time.monotonic() + patience
        while not ready():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if not self.read(left) and self.closed:
                return ready()
        return True

    def read(self, patience=PATIENCE):
        """Reads once. `False`: nothing came."""
        if self.closed and not self.readable(0):
            return False
        if not self.readable(patience):
            return False
        try:
            data = self.receive()
        except ssl.SSLWantReadError:
            # A record of TLS's own, or the beginning of one.
            return True
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return False
        self.buffer += data
        while len(self.buffer) >= 9:
            head, length = Frame.parse_frame_header(memoryview(self.buffer[:9]))
            if len(self.buffer) < 9 + length:
                break
            head.parse_body(memoryview(self.buffer[9 : 9 + length]))
            self.buffer = self.buffer[9 + length :]
            self.take(head)
        return True

    def readable(self, patience):
        return TLS and self.socket.pending() > 0 or bool(select.select([self.socket], [], [], patience)[0])

    def receive(self):
        """What is there, without waiting for more."""
        if not TLS:
            return self.socket.recv(1 << 18)
        self.socket.setblocking(False)
        try:
            return self.socket.recv(1 << 18)
        finally:
            self.socket.settimeout(PATIENCE)

    def take(self, frame):
        stream = self.streams.setdefault(frame.stream_id, Stream())
        stream.frames.append(frame)
        if isinstance(frame, frames.SettingsFrame):
            if "ACK" in frame.flags:
                self.acks += 1
            else:
                self.settings.update(frame.settings)
                self.frame(frames.SettingsFrame(0, flags=["ACK"]))
        elif isinstance(frame, frames.PingFrame):
            if "ACK" in frame.flags:
                self.pongs += 1
            elif self.answers_pings:
                self.frame(frames.PingFrame(0, frame.opaque_data, flags=["ACK"]))
        elif isinstance(frame, frames.GoAwayFrame):
            self.goaways.append((frame.last_stream_id, frame.error_code))
        elif isinstance(frame, frames.RstStreamFrame):
            stream.reset = frame.error_code
        elif isinstance(frame, (frames.HeadersFrame, frames.ContinuationFrame)):
            self.block += bytes(frame.data)
            if "END_HEADERS" in frame.flags:
                self.fields(stream, self.decoder.decode(self.block, raw=False))
                self.block = b""
            self.order.append((frame.stream_id, 0))
        elif isinstance(frame, frames.DataFrame):
            stream.data += bytes(frame.data)
            self.order.append((frame.stream_id, len(frame.data)))
            if self.credit and frame.flow_controlled_length:
                self.window(0, frame.flow_controlled_length)
                if "END_STREAM" not in frame.flags:
                    self.window(frame.stream_id, frame.flow_controlled_length)
        if "END_STREAM" in frame.flags and isinstance(frame, (frames.HeadersFrame, frames.DataFrame)):
            stream.ended = True

    def fields(self, stream, fields):
        if stream.fields is not None:
            stream.trailers = fields
        elif fields[0][1].startswith("1") and fields[0][0] == ":status":
            stream.informational.append(fields)
        else:
            stream.fields = fields

    def alive(self):
        """Whether the server still answers."""
        before = self.pongs
        self.frame(frames.PingFrame(0, b"12345678"))
        return self.until(lambda: self.pongs > before or self.closed) and self.pongs > before

    def close(self):
        self.socket.close()


def check(what, *seen):
    if not what:
        caller = sys._getframe(1)
        raise AssertionError(f"line {caller.f_lineno}: {seen}")


def equal(seen, wanted, what=""):
    if seen != wanted:
        caller = sys._getframe(1)
        raise AssertionError(f"line {caller.f_lineno}: {what} {seen!r}, not {wanted!r}")


def main(scenarios):
    """`PROGRAM SCENARIO PORT ARGUMENT…`"""
    name, port, *arguments = sys.argv[1:]
    scenarios[name](int(port), *arguments)
