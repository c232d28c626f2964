//! FastCGI's records around an answer (see `proto::fastcgi`).
//!
//! As long as the head is not there, records are read beside and what is in them is put together: a head may be cut anywhere.
//! From then on the body's bytes stay where they were read.

use std::ops::Range;
use std::rc::Rc;

use http::{Cause, LogLevel, Request, RequestLog};
use mem::Block;
use proto::fastcgi::{BadRecord, Event, Reader};
use rt::Io;

/// The longest line of the log that is made of what an application says there.
const MOST_LINE: usize = 2048;
/// So much of it is written down for one request,
const MOST_WRITTEN: usize = 64 << 10;
/// and so much is read at all: one that says nothing else would never end.
const MOST_STDERR: usize = 16 << 20;

/// The records of an answer whose head is not there yet.
pub struct Records {
    reader: Reader,
    /// What was read, and not looked at.
    wire: Block,
    keeps: bool,
    stdout_ended: bool,
    /// Something has come behind the request's end.
    has_more: bool,
    stderr: Stderr,
    catching: Catching,
}

impl Records {
    /// `keeps`: the connection stays. `most`: bytes of a head, and so of what is read at once.
    pub fn new(keeps: bool, catches: Rc<[Vec<u8>]>, most: usize) -> Records {
        Records {
            reader: Reader::new(),
            wire: Block::take(most),
            keeps,
            stdout_ended: false,
            has_more: false,
            stderr: Stderr::default(),
            catching: Catching { texts: catches, before: Vec::new() },
        }
    }

    /// Reads once, up to so many bytes.
    pub fn read(&mut self, io: Io, room: usize) -> std::io::Result<usize> {
        self.wire.clear();
        let spare = self.wire.spare_mut();
        let room = room.min(spare.len());
        let count = io.read(&mut spare[..room])?;
        self.wire.advance(count);
        Ok(count)
    }

    /// Moves what was read of the answer into a block, and what is for the log into that.
    pub fn unwrap(&mut self, block: &mut Block, request: &Request) -> Result<(), Cause> {
        let mut at = 0;
        let tell = |line: &str| {
            let at = "reading response header from upstream";
            request.error(
                LogLevel::Error,
                format_args!("FastCGI sent in stderr: \"{line}\" while {at}"),
            );
        };
        while at < self.wire.len() && !self.reader.is_done() {
            let bytes = &self.wire.filled()[at..];
            let step = self.reader.decode(bytes).map_err(invalid)?;
            match step.event {
                Some(Event::Stdout(range)) => {
                    let fits = block.extend_from_slice(&bytes[range]);
                    debug_assert!(fits, "no more is read than there is room for");
                }
                Some(Event::Stderr(range)) => {
                    let piece = &bytes[range];
                    let caught = self.catching.look(piece);
                    // What it was caught with is written, too.
                    let is_whole = caught.is_err() || !self.reader.is_within();
                    if let Some(line) = self.stderr.add(piece, is_whole)? {
                        tell(&line);
                    }
                    caught?;
                }
                Some(Event::StdoutEnd) => self.stdout_ended = true,
                Some(Event::End(_)) | None => {}
            }
            at += step.consumed;
        }
        self.has_more |= at < self.wire.len();
        Ok(())
    }

    /// Whether nothing of the answer follows.
    pub fn is_over(&self) -> bool {
        self.stdout_ended || self.reader.is_done()
    }

    /// Whether the connection may be used again.
    pub fn keeps(&self) -> bool {
        self.keeps && !self.has_more
    }

    /// The body's, once the head is there. `plain`: so much of it has come. `length`: how long the head says that it is.
    pub fn body(self, plain: usize, length: Option<u64>, request: &Request) -> BodyRecords {
        let is_over = self.is_over() && !self.keeps || self.reader.is_done();
        BodyRecords {
            reader: self.reader,
            plain,
            left: length,
            keeps: self.keeps,
            stdout_ended: self.stdout_ended,
            stderr: self.stderr,
            log: (!is_over).then(|| request.log()),
        }
    }
}

/// The records of an answer's body.
pub struct BodyRecords {
    reader: Reader,
    /// Bytes of the body that came with the head, and are in no record any more.
    plain: usize,
    /// Bytes of the body that are still to come, if the head tells.
    left: Option<u64>,
    keeps: bool,
    stdout_ended: bool,
    stderr: Stderr,
    log: Option<RequestLog>,
}

impl BodyRecords {
    /// Bytes of the body that are still to come, if that is known.
    pub fn left(&self) -> Option<u64> {
        self.left
    }

    /// Looks at what has come: how much of it is dealt with, what of that is the body's, and whether that is all.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<(usize, Range<usize>, bool), Cause> {
        if self.plain > 0 {
            let count = self.plain.min(bytes.len());
            self.plain -= count;
            let data = self.cut(0..count);
            return Ok((count, data, self.is_over()? && self.plain == 0));
        }
        let step = self.reader.decode(bytes).map_err(invalid)?;
        let mut data = 0..0;
        match step.event {
            Some(Event::Stdout(range)) => data = self.cut(range),
            Some(Event::Stderr(range)) => {
                let line = self.stderr.add(&bytes[range], !self.reader.is_within())?;
                if let (Some(line), Some(log)) = (line, &self.log) {
                    let text = format!("FastCGI sent in stderr: \"{line}\" while reading upstream");
                    log.error(LogLevel::Error, &text);
                }
            }
            Some(Event::StdoutEnd) => self.stdout_ended = true,
            Some(Event::End(_)) | None => {}
        }
        Ok((step.consumed, data, self.is_over()?))
    }

    /// Of some bytes those that the head has told of: what is beyond belongs to nobody.
    fn cut(&mut self, range: Range<usize>) -> Range<usize> {
        let Some(left) = &mut self.left else { return range };
        let len = (range.len() as u64).min(*left);
        *left -= len;
        range.start..range.start + len as usize
    }

    /// Whether nothing follows. The error: something should.
    fn is_over(&self) -> Result<bool, Cause> {
        let has_ended = self.stdout_ended || self.reader.is_done();
        if has_ended && self.plain == 0 && self.left.is_some_and(|left| left > 0) {
            let why = "upstream prematurely closed FastCGI stdout";
            return Err(Cause::Invalid(why.to_owned()));
        }
        Ok(self.reader.is_done() || (self.stdout_ended && !self.keeps))
    }
}

fn invalid(why: BadRecord) -> Cause {
    Cause::Invalid(why.to_string())
}

/// Texts that make an answer none, if an application says them for the log.
struct Catching {
    texts: Rc<[Vec<u8>]>,
    /// What the pieces before end with: a text may be cut.
    before: Vec<u8>,
}

impl Catching {
    /// Fails, if one of them is in what has come.
    fn look(&mut self, piece: &[u8]) -> Result<(), Cause> {
        let Some(longest) = self.texts.iter().map(Vec::len).max() else { return Ok(()) };
        let mut said = std::mem::take(&mut self.before);
        said.extend_from_slice(piece);
        let has = |text: &&Vec<u8>| {
            text.is_empty() || said.windows(text.len()).any(|part| part == &text[..])
        };
        if let Some(text) = self.texts.iter().find(has) {
            let text = String::from_utf8_lossy(text);
            return Err(Cause::Invalid(format!("FastCGI sent \"{text}\" in stderr")));
        }
        self.before = said.split_off(said.len().saturating_sub(longest.saturating_sub(1)));
        Ok(())
    }
}

/// What an application says for the log.
#[derive(Default)]
struct Stderr {
    /// A line that is not all there.
    line: Vec<u8>,
    read: usize,
    written: usize,
}

impl Stderr {
    /// Takes a piece, and gives a line that is to be written. `is_whole`: it ends with the piece. The error: there is no end of them.
    fn add(&mut self, piece: &[u8], is_whole: bool) -> Result<Option<String>, Cause> {
        self.read += piece.len();
        if self.read > MOST_STDERR {
            return Err(Cause::Invalid("upstream sent too much in FastCGI stderr".to_owned()));
        }
        let room = MOST_LINE - self.line.len();
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
        if !is_whole && self.line.len() < MOST_LINE {
            return Ok(None);
        }
        let line = std::mem::take(&mut self.line);
        let end = line.iter().rposition(|byte| !b"\r\n. ".contains(byte)).map_or(0, |at| at + 1);
        if end == 0 || self.written > MOST_WRITTEN {
            return Ok(None);
        }
        self.written += end;
        Ok(Some(String::from_utf8_lossy(&line[..end]).into_owned()))
    }
}
