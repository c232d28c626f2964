//! The chunk stream, in both directions. Of a message's body only the beginning is kept.

/// Kinds of messages.
pub mod kind {
    pub const CHUNK_SIZE: u8 = 1;
    pub const ACK: u8 = 3;
    pub const USER: u8 = 4;
    pub const WINDOW: u8 = 5;
    pub const AUDIO: u8 = 8;
    pub const VIDEO: u8 = 9;
    pub const DATA: u8 = 18;
    pub const COMMAND: u8 = 20;
}

/// What is kept of a body: enough for the answer to a command.
const KEPT: usize = 512;
/// No message is longer.
const LONGEST: usize = 16 << 20;
/// More chunk streams are not opened by any server.
const STREAMS: usize = 64;

/// A message that is complete.
pub struct Message<'a> {
    pub kind: u8,
    pub timestamp: u32,
    pub length: usize,
    /// The first bytes of its body.
    pub start: &'a [u8],
}

/// Appends a message with a full header, cut into chunks.
pub fn write(
    out: &mut Vec<u8>,
    chunk: usize,
    (csid, kind, stream): (u8, u8, u32),
    timestamp: u32,
    body: &[u8],
) {
    assert!(timestamp < 0xFF_FFFF, "a load does not run for hours");
    out.push(csid);
    out.extend_from_slice(&timestamp.to_be_bytes()[1..]);
    out.extend_from_slice(&(body.len() as u32).to_be_bytes()[1..]);
    out.push(kind);
    out.extend_from_slice(&stream.to_le_bytes());
    for (number, part) in body.chunks(chunk).enumerate() {
        if number > 0 {
            out.push(0xC0 | csid);
        }
        out.extend_from_slice(part);
    }
}

/// What is known of a chunk stream.
#[derive(Default)]
struct Stream {
    csid: u32,
    timestamp: u32,
    delta: u32,
    extended: bool,
    kind: u8,
    length: usize,
    /// Bytes of the body that have come.
    have: usize,
    start: Vec<u8>,
}

/// Takes a chunk stream apart, whatever pieces it comes in.
pub struct Reader {
    size: usize,
    head: Vec<u8>,
    streams: Vec<Stream>,
    /// The stream whose chunk is being read, and what is missing of that.
    chunk: Option<(usize, usize)>,
}

impl Reader {
    /// One that has seen nothing.
    pub fn new() -> Reader {
        Reader { size: 128, head: Vec::new(), streams: Vec::new(), chunk: None }
    }

    /// Gives the messages that these bytes complete to `take`.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        take: &mut dyn FnMut(&Message),
    ) -> Result<(), &'static str> {
        while !bytes.is_empty() {
            let Some((place, missing)) = self.chunk else {
                self.head.push(bytes[0]);
                bytes = &bytes[1..];
                self.begin()?;
                self.finish(take)?;
                continue;
            };
            let (part, rest) = bytes.split_at(missing.min(bytes.len()));
            let stream = &mut self.streams[place];
            let kept = part.len().min(KEPT.saturating_sub(stream.have));
            stream.start.extend_from_slice(&part[..kept]);
            stream.have += part.len();
            bytes = rest;
            self.chunk = Some((place, missing - part.len()));
            self.finish(take)?;
        }
        Ok(())
    }

    /// Begins a chunk if its header is complete.
    fn begin(&mut self) -> Result<(), &'static str> {
        let head = &self.head;
        let (csid, basic) = match (head[0] & 63, head.len()) {
            (0, 2..) => (64 + u32::from(head[1]), 2),
            (1, 3..) => (64 + u32::from(head[1]) + (u32::from(head[2]) << 8), 3),
            (0 | 1, _) => return Ok(()),
            (csid, _) => (csid.into(), 1),
        };
        let format = head[0] >> 6;
        let fields = basic + [11, 7, 3, 0][usize::from(format)];
        if head.len() < fields {
            return Ok(());
        }
        let known = self.streams.iter().position(|stream| stream.csid == csid);
        let place = match known {
            Some(place) => place,
            None if format > 1 => return Err("a chunk that continues nothing"),
            None if self.streams.len() == STREAMS => return Err("too many chunk streams"),
            None => {
                self.streams.push(Stream { csid, ..Stream::default() });
                self.streams.len() - 1
            }
        };
        let stream = &mut self.streams[place];
        let number = |at: usize| u32::from_be_bytes([0, head[at], head[at + 1], head[at + 2]]);
        let extended = if format < 3 { number(basic) == 0xFF_FFFF } else { stream.extended };
        let end = fields + 4 * usize::from(extended);
        if head.len() < end {
            return Ok(());
        }
        let time = match head[fields..end] {
            [a, b, c, d] => u32::from_be_bytes([a, b, c, d]),
            _ if format < 3 => number(basic),
            _ => 0,
        };
        if format < 3 && stream.have > 0 {
            return Err("a message begins within a message of the same chunk stream");
        }
        stream.extended = extended;
        if format < 2 {
            stream.length = number(basic + 3) as usize;
            stream.kind = head[basic + 6];
        }
        match format {
            0 => (stream.timestamp, stream.delta) = (time, 0),
            1 | 2 => stream.delta = time,
            _ => {}
        }
        if stream.have == 0 && format > 0 {
            stream.timestamp = stream.timestamp.wrapping_add(stream.delta);
        }
        if stream.length > LONGEST {
            return Err("a message without bounds");
        }
        self.chunk = Some((place, self.size.min(stream.length - stream.have)));
        self.head.clear();
        Ok(())
    }

    /// Ends the chunk, and the message, if they are complete.
    fn finish(&mut self, take: &mut dyn FnMut(&Message)) -> Result<(), &'static str> {
        let Some((place, 0)) = self.chunk else { return Ok(()) };
        self.chunk = None;
        let stream = &mut self.streams[place];
        if stream.have < stream.length {
            return Ok(());
        }
        if let (kind::CHUNK_SIZE, &[a, b, c, d]) = (stream.kind, &stream.start[..]) {
            self.size = u32::from_be_bytes([a, b, c, d]) as usize;
            if self.size == 0 {
                return Err("chunks of no size");
            }
        }
        let Stream { kind, timestamp, length, .. } = *stream;
        take(&Message { kind, timestamp, length, start: &stream.start });
        stream.have = 0;
        stream.start.clear();
        Ok(())
    }
}

#[test]
fn what_is_written_is_read_in_any_pieces() {
    let body: Vec<u8> = (0..1000).map(|number| number as u8).collect();
    let mut bytes = Vec::new();
    write(&mut bytes, 128, (2, kind::CHUNK_SIZE, 0), 0, &300_u32.to_be_bytes());
    write(&mut bytes, 300, (6, kind::VIDEO, 1), 40, &body);
    bytes.extend_from_slice(&[0x46, 0, 0, 33, 0, 0, 2, 8, 1, 2]); // format 1: other length, kind
    bytes.extend_from_slice(&[0x86, 0, 0, 10, 3, 4]); // format 2
    bytes.extend_from_slice(&[0xC6, 5, 6]); // format 3: the same difference again
    for size in [1, 2, 7, 311, bytes.len()] {
        let mut reader = Reader::new();
        let mut seen = Vec::new();
        for part in bytes.chunks(size) {
            let mut take = |message: &Message| {
                let length = message.length.min(KEPT);
                assert_eq!(message.start.len(), length);
                seen.push((message.kind, message.timestamp, message.length));
            };
            reader.feed(part, &mut take).expect("a stream in order");
        }
        assert_eq!(seen, [(1, 0, 4), (9, 40, 1000), (8, 73, 2), (8, 83, 2), (8, 93, 2)]);
    }
}
