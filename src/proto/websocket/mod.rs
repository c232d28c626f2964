//! WebSocket (RFC 6455), the server's side: frames to send, and what a client says.
//!
//! ```text
//!  FIN RSV(3) opcode(4) │ MASK length(7) │ 126: 2 bytes, 127: 8 bytes │ key(4) │ payload ^ key
//! ```
//! A client's frames are masked, ours are not (§5.1).

mod inbound;

pub use inbound::{Inbound, Said};

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

const FIN: u8 = 0x80;
/// The longest payload of a frame that is no data (§5.5).
const LONGEST_CONTROL: u64 = 125;

/// Why a connection is closed (§7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// It has served its purpose, or the client closes.
    Normal = 1000,
    /// The server goes away.
    GoingAway = 1001,
    /// The client does not keep to the protocol.
    Protocol = 1002,
    /// Data of a type that is not taken: binary.
    Unsupported = 1003,
    /// Text that is not UTF-8.
    InvalidData = 1007,
    /// The client may not do that.
    Policy = 1008,
    /// Too large.
    TooBig = 1009,
    /// A limit is reached.
    TryAgain = 1013,
}

/// What stands before a binary message of `len` bytes.
pub fn binary_head(len: usize, out: &mut Vec<u8>) {
    head(BINARY, len, out);
}

/// A text message.
pub fn text(bytes: &[u8], out: &mut Vec<u8>) {
    frame(TEXT, bytes, out);
}

/// A ping.
pub fn ping(out: &mut Vec<u8>) {
    frame(PING, b"", out);
}

/// A close frame.
pub fn close(code: Close, out: &mut Vec<u8>) {
    frame(CLOSE, &(code as u16).to_be_bytes(), out);
}

fn frame(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    head(opcode, payload.len(), out);
    out.extend_from_slice(payload);
}

fn head(opcode: u8, len: usize, out: &mut Vec<u8>) {
    out.push(FIN | opcode);
    match len {
        0..=125 => out.push(len as u8),
        126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}
