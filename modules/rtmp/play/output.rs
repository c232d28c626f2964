//! How messages go out: RTMP chunks, or a file that grows, in an answer's body or in WebSocket messages.

use proto::flv;
use proto::http1::{CHUNK_END, LAST_CHUNK, chunk_head};
use proto::rtmp::{chunk, message};

use crate::play::view::{Item, View};
use crate::play::write_batch::WriteBatch;
use crate::record::Head;

/// What a player's connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// RTMP.
    Rtmp,
    /// HTTP: a file without an end.
    Http(Container, Framing),
}

/// What the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// FLV: messages as they are.
    Flv,
    /// An MPEG transport stream.
    Ts,
    /// Fragmented MP4.
    Mp4,
}

/// What is around its pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Nothing: it goes up to the connection's end.
    Plain,
    /// Each is a chunk of an HTTP/1.1 answer.
    Chunks,
    /// Each is a WebSocket message.
    Socket,
}

impl OutputFormat {
    /// What is around its pieces.
    pub fn framing(self) -> Framing {
        match self {
            OutputFormat::Rtmp => Framing::Plain,
            OutputFormat::Http(_, framing) => framing,
        }
    }
}

impl Container {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Container::Flv => "video/x-flv",
            Container::Ts => "video/mp2t",
            Container::Mp4 => "video/mp4",
        }
    }
}

/// A time beyond this takes an extended field, in every chunk of its message.
const EXTENDED: u32 = 0x00FF_FFFF;

/// Where a message stands in a player's chunk stream.
#[derive(Clone, Copy, Debug)]
pub enum At {
    /// By its time.
    Time(u32),
    /// By the time since the message before it in the same chunk stream.
    Since(u32),
}

/// Appends a message as RTMP. `stream`: the message stream.
pub fn rtmp<A: Copy>(batch: &mut WriteBatch<A>, view: &View<'_>, item: &Item, stream: u32, at: At) {
    let Head { kind, csid, len, .. } = item.head;
    let csid = u32::from(csid);
    let header = match at {
        At::Since(delta) if delta < EXTENDED => chunk::delta(csid, kind, delta, len as usize),
        At::Time(time) if time < EXTENDED => chunk::full(csid, kind, stream, time, len as usize),
        // Every chunk repeats such a time, so the payload cannot go out as it is cut.
        At::Time(time) | At::Since(time) => {
            let mut payload = Vec::with_capacity(len as usize);
            view.whole[item.whole.clone()]
                .iter()
                .for_each(|piece| payload.extend_from_slice(piece));
            let size = item.head.chunk as usize;
            return batch.own(|out| {
                chunk::write_message(out, size, csid, kind, stream, time, &payload);
            });
        }
    };
    batch.own(|out| out.extend_from_slice(&header));
    batch.cut(view, item.cut.clone());
}

/// Appends a message as an FLV tag at `time`.
pub fn tag<A: Copy>(
    batch: &mut WriteBatch<A>,
    view: &View<'_>,
    item: &Item,
    framing: Framing,
    time: u32,
) {
    let len = item.head.len as usize;
    batch.own(|out| {
        open(out, framing, len + flv::file::TAG_HEADER + 4);
        out.extend_from_slice(&flv::tag_header(item.head.kind, len, time));
    });
    batch.whole(view, item.whole.clone());
    batch.own(|out| {
        out.extend_from_slice(&flv::previous_tag_size(len));
        close(out, framing);
    });
}

/// The head of FLV.
pub fn begin(out: &mut Vec<u8>, framing: Framing, audio: bool, video: bool) {
    let header = flv::header(audio, video);
    open(out, framing, header.len());
    out.extend_from_slice(&header);
    close(out, framing);
}

/// What stands before a piece of `len` bytes.
pub fn open(out: &mut Vec<u8>, framing: Framing, len: usize) {
    match framing {
        Framing::Chunks => chunk_head(len, out),
        Framing::Socket => proto::websocket::binary_head(len, out),
        Framing::Plain => {}
    }
}

/// What stands behind it.
pub fn close(out: &mut Vec<u8>, framing: Framing) {
    if framing == Framing::Chunks {
        out.extend_from_slice(CHUNK_END);
    }
}

/// What stands at the end of everything.
pub fn end(out: &mut Vec<u8>, framing: Framing) {
    match framing {
        Framing::Chunks => out.extend_from_slice(LAST_CHUNK),
        Framing::Socket => proto::websocket::close(proto::websocket::Close::Normal, out),
        Framing::Plain => {}
    }
}

/// Whether FLV has such tags.
pub fn is_tag(kind: u8) -> bool {
    matches!(kind, message::AUDIO | message::VIDEO | message::DATA)
}
