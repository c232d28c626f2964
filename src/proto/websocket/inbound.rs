//! A client's frames, as they come.

use super::{BINARY, CLOSE, CONTINUATION, Close, FIN, LONGEST_CONTROL, PING, PONG, TEXT, frame};

/// Frames with nothing in them that a message may have: without a bound, one would never end.
const MOST_EMPTY: u32 = 100;

/// What a client has said.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// A text.
    Message(Vec<u8>),
    /// A message that is no text.
    Binary,
    /// It closes; the answer is in the output.
    Closed,
    /// It did something for which it is closed.
    Error(Close),
}

/// A client's side of the conversation. Faults are found as soon as they can be: what is too long or of the
/// wrong type by its head, what is not UTF-8 by the byte.
#[derive(Debug)]
pub struct Inbound {
    max: usize,
    texts_only: bool,
    head: Vec<u8>,
    frame: Option<Frame>,
    /// The type of the message that goes on.
    message: Option<u8>,
    /// Its frames with nothing in them.
    empty: u32,
    text: Vec<u8>,
    /// Bytes of the text that are whole characters.
    valid: usize,
    /// Bytes of a message that is no text.
    skipped: usize,
    control: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    last: bool,
    opcode: u8,
    left: u64,
    key: [u8; 4],
    /// Which byte of the key is next.
    turn: usize,
}

impl Frame {
    fn is_control(&self) -> bool {
        self.opcode >= CLOSE
    }
}

impl Inbound {
    /// Messages have at most `max` bytes. Those that are no text are passed over.
    pub fn new(max: usize) -> Inbound {
        Inbound {
            max,
            texts_only: false,
            head: Vec::new(),
            frame: None,
            message: None,
            empty: 0,
            text: Vec::new(),
            valid: 0,
            skipped: 0,
            control: Vec::new(),
        }
    }

    /// A message that is no text ends the conversation.
    pub fn texts_only(self) -> Inbound {
        Inbound { texts_only: true, ..self }
    }

    /// Takes bytes that have come. Pongs and the answer to a close go to `out`; `said` is called with
    /// what the client says. `false`: it is over.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>, mut said: impl FnMut(Said)) -> bool {
        let mut rest = bytes;
        loop {
            let over = match &mut self.frame {
                Some(frame) if frame.left > 0 && rest.is_empty() => return true,
                Some(frame) if frame.left > 0 => {
                    let count = usize::try_from(frame.left).unwrap_or(usize::MAX).min(rest.len());
                    let (now, later) = rest.split_at(count);
                    rest = later;
                    self.take(now)
                }
                Some(_) => self.end_frame(out, &mut said),
                None => match self.take_head(&mut rest) {
                    Some(head) => self.begin(head),
                    None => return true,
                },
            };
            if let Err(last) = over {
                said(last);
                return false;
            }
        }
    }

    /// The next frame's head, when it is all there.
    fn take_head(&mut self, rest: &mut &[u8]) -> Option<Frame> {
        loop {
            let wanted = match self.head.get(1) {
                None => 2,
                // Not masked: what would follow is not waited for.
                Some(byte) if byte & 0x80 == 0 => return Some(self.parse_head(2)),
                Some(byte) => match byte & 0x7f {
                    126 => 8,
                    127 => 14,
                    _ => 6,
                },
            };
            if self.head.len() == wanted {
                return Some(self.parse_head(wanted - 4));
            }
            let (now, later) = rest.split_at((wanted - self.head.len()).min(rest.len()));
            self.head.extend_from_slice(now);
            *rest = later;
            if self.head.len() < wanted {
                return None;
            }
        }
    }

    fn parse_head(&mut self, key_at: usize) -> Frame {
        let head = std::mem::take(&mut self.head);
        let mut key = [0; 4];
        key.iter_mut().zip(&head[key_at..]).for_each(|(to, from)| *to = *from);
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let left = match key_at {
            2 => u64::from(head[1] & 0x7f),
            _ => number(&head[2..key_at]),
        };
        let masked = head[1] & 0x80 != 0;
        // An opcode that there is not: one fault is as good as the other.
        let opcode = if masked && head[0] & 0x70 == 0 { head[0] & 0x0f } else { u8::MAX };
        Frame { last: head[0] & FIN != 0, opcode, left, key, turn: 0 }
    }

    /// Whether a frame may come now (§5.4, §5.5).
    fn begin(&mut self, frame: Frame) -> Result<(), Said> {
        let goes_on = self.message.is_some();
        let good = match frame.opcode {
            CONTINUATION => goes_on,
            TEXT | BINARY => !goes_on,
            CLOSE | PING | PONG => frame.last && frame.left <= LONGEST_CONTROL,
            _ => false,
        };
        if !good || frame.left >> 63 != 0 {
            return Err(Said::Error(Close::Protocol));
        }
        if frame.opcode == BINARY && self.texts_only {
            return Err(Said::Binary);
        }
        let room = self.max.saturating_sub(self.text.len() + self.skipped);
        if !frame.is_control() && frame.left > room as u64 {
            return Err(Said::Error(Close::TooBig));
        }
        if matches!(frame.opcode, TEXT | BINARY) {
            self.message = Some(frame.opcode);
            self.empty = 0;
        }
        if !frame.is_control() && frame.left == 0 {
            self.empty += 1;
            if self.empty > MOST_EMPTY {
                return Err(Said::Error(Close::Policy));
            }
        }
        self.frame = Some(frame);
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Said> {
        let Some(frame) = &mut self.frame else { return Ok(()) };
        frame.left -= bytes.len() as u64;
        let (key, turn) = (frame.key, frame.turn);
        frame.turn = (turn + bytes.len()) % 4;
        let plain = bytes.iter().zip(key.iter().cycle().skip(turn)).map(|(byte, key)| byte ^ key);
        if frame.is_control() {
            self.control.extend(plain);
        } else if self.message == Some(TEXT) {
            self.text.extend(plain);
            match std::str::from_utf8(&self.text[self.valid..]) {
                Ok(text) => self.valid += text.len(),
                Err(error) if error.error_len().is_some() => {
                    return Err(Said::Error(Close::InvalidData));
                }
                Err(error) => self.valid += error.valid_up_to(),
            }
        } else {
            self.skipped += bytes.len();
        }
        Ok(())
    }

    fn end_frame(&mut self, out: &mut Vec<u8>, said: &mut impl FnMut(Said)) -> Result<(), Said> {
        let Some(frame) = self.frame.take() else { return Ok(()) };
        if frame.is_control() {
            let payload = std::mem::take(&mut self.control);
            match frame.opcode {
                PING => super::frame(PONG, &payload, out),
                CLOSE => return Err(closed(&payload, out)),
                _ => {}
            }
            return Ok(());
        }
        if !frame.last {
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        let whole = std::mem::take(&mut self.valid) == text.len();
        self.skipped = 0;
        match self.message.take() {
            Some(TEXT) if !whole => return Err(Said::Error(Close::InvalidData)),
            Some(TEXT) => said(Said::Message(text)),
            _ => said(Said::Binary),
        }
        Ok(())
    }
}

/// A client's close: answered with its code, if it may send that (§7.4).
fn closed(payload: &[u8], out: &mut Vec<u8>) -> Said {
    let Some((code, reason)) = payload.split_at_checked(2) else {
        return match payload {
            [] => {
                frame(CLOSE, b"", out);
                Said::Closed
            }
            _ => Said::Error(Close::Protocol),
        };
    };
    let number = u16::from(code[0]) << 8 | u16::from(code[1]);
    // 1004 to 1006 and 1015 are never sent; the others below 3000 are nobody's.
    let known = matches!(number, 1000..=1003 | 1007..=1014 | 3000..=4999);
    if !known {
        return Said::Error(Close::Protocol);
    }
    if std::str::from_utf8(reason).is_err() {
        return Said::Error(Close::InvalidData);
    }
    frame(CLOSE, code, out);
    Said::Closed
}
