//! WebSocket (RFC 6455): the handshake, and the client's side of the conversation. The codec is
//! tungstenite's, fed from memory: reading and writing are the loop's business.

use std::io::{self, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Request;
use mem::Str;
use proto::http1::{Method, Name, Version};
use sha1::{Digest, Sha1};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

/// RFC 6455 §4.2.2
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The subprotocol whose messages are whole events.
const EVENTS: &[u8] = b"sse";

/// Why a connection is closed (RFC 6455 §7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The channel has ended, or the client closes.
    Normal = 1000,
    /// The worker leaves.
    GoingAway = 1001,
    /// The client does not keep to the protocol.
    Protocol = 1002,
    /// Data that is not UTF-8 text.
    Unsupported = 1003,
    /// The client may not do that.
    Policy = 1008,
    /// Too large.
    TooBig = 1009,
    /// A limit is reached.
    TryAgain = 1013,
}

/// Whether the request asks for a WebSocket.
pub fn is_upgrade(request: &Request) -> bool {
    let upgrade = request.header(Name::Upgrade);
    let connection = request.header(Name::Connection).unwrap_or_default();
    let mut words = connection.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    request.method == Method::Get
        && request.version() >= Version::V11
        && words.any(|word| word.eq_ignore_ascii_case(b"upgrade"))
        && upgrade.is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
}

/// The answer's fields, and whether messages are whole events. `Err`: the handshake is none; 426 tells
/// which version is spoken here.
pub fn accept(request: &mut Request) -> Result<bool, u16> {
    let version = request.header(Name::SecWebSocketVersion);
    if version != Some(b"13") {
        request.response.add_header("Sec-WebSocket-Version", Str::from("13"));
        return Err(426);
    }
    let key = request.header(Name::SecWebSocketKey).unwrap_or_default();
    if BASE64.decode(key).map(|bytes| bytes.len()) != Ok(16) {
        return Err(400);
    }
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let accept = Str::copy(BASE64.encode(digest).as_bytes());
    let offered = request.headers_named("sec_websocket_protocol");
    let events = offered
        .flat_map(|list| list.split(|&byte| byte == b','))
        .any(|word| word.trim_ascii() == EVENTS);
    let response = &mut request.response;
    response.status = 101;
    response.add_header("Upgrade", Str::from("websocket"));
    response.add_header("Sec-WebSocket-Accept", accept);
    if events {
        response.add_header("Sec-WebSocket-Protocol", Str::from(EVENTS));
    }
    Ok(events)
}

/// What stands before a binary message of `len` bytes.
pub fn binary_head(len: usize, out: &mut Vec<u8>) {
    let opcode = OpCode::Data(Data::Binary);
    let header = FrameHeader { is_final: true, opcode, ..FrameHeader::default() };
    // Writing into memory does not fail.
    let _ = header.format(len as u64, out);
}

/// A text message.
pub fn text(bytes: &[u8], out: &mut Vec<u8>) {
    frame(OpCode::Data(Data::Text), bytes, out);
}

/// A ping.
pub fn ping(out: &mut Vec<u8>) {
    frame(OpCode::Control(Control::Ping), b"", out);
}

/// A close frame.
pub fn close(code: Close, out: &mut Vec<u8>) {
    frame(OpCode::Control(Control::Close), &(code as u16).to_be_bytes(), out);
}

fn frame(opcode: OpCode, payload: &[u8], out: &mut Vec<u8>) {
    let header = FrameHeader { is_final: true, opcode, ..FrameHeader::default() };
    // Writing into memory does not fail.
    let _ = header.format(payload.len() as u64, out);
    out.extend_from_slice(payload);
}

/// What a client has said.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// A message to publish.
    Message(Vec<u8>),
    /// A message that is no text.
    Binary,
    /// It closes; the answer is in the output.
    Closed,
    /// It did something for which it is closed.
    Fault(Close),
}

/// The client's side, while it says anything: most never do, and have none.
pub struct Inbound {
    context: WebSocketContext,
    pipe: Pipe,
}

#[derive(Default)]
struct Pipe {
    input: Vec<u8>,
    read: usize,
    output: Vec<u8>,
}

impl Inbound {
    /// Messages have at most `max` bytes.
    pub fn new(max: usize) -> Inbound {
        let config = WebSocketConfig::default()
            .read_buffer_size(512)
            .write_buffer_size(0)
            .max_message_size(Some(max))
            .max_frame_size(Some(max));
        let context = WebSocketContext::new(Role::Server, Some(config));
        Inbound { context, pipe: Pipe::default() }
    }

    /// Takes bytes that have come. Pongs and the answer to a close go to `out`; `said` is called with
    /// what the client says. `false`: it is over.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>, mut said: impl FnMut(Said)) -> bool {
        self.pipe.input.extend_from_slice(bytes);
        let goes_on = loop {
            match self.context.read(&mut self.pipe) {
                Ok(Message::Text(text)) => said(Said::Message(text.as_bytes().to_vec())),
                Ok(Message::Binary(_)) => said(Said::Binary),
                Ok(Message::Close(_)) => {
                    let _ = self.context.flush(&mut self.pipe);
                    said(Said::Closed);
                    break false;
                }
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break true,
                Err(error) => {
                    said(Said::Fault(fault(&error)));
                    break false;
                }
            }
        };
        let _ = self.context.flush(&mut self.pipe);
        self.pipe.input.drain(..self.pipe.read);
        self.pipe.read = 0;
        out.append(&mut self.pipe.output);
        goes_on
    }
}

fn fault(error: &Error) -> Close {
    match error {
        Error::Capacity(_) => Close::TooBig,
        Error::Utf8(_) => Close::Unsupported,
        _ => Close::Protocol,
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.input[self.read..];
        if rest.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client's frame: masked.
    fn client(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut frame = vec![0x80 | opcode, 0x80 | payload.len() as u8];
        frame.extend_from_slice(&mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    #[test]
    fn what_comes_in_pieces_is_put_together() {
        let mut inbound = Inbound::new(100);
        let (mut out, mut heard) = (Vec::new(), Vec::new());
        let bytes = [client(1, b"hello"), client(9, b"?"), client(1, b"again")].concat();
        for byte in bytes {
            assert!(inbound.feed(&[byte], &mut out, |said| heard.push(said)));
        }
        assert_eq!(heard, [Said::Message(b"hello".to_vec()), Said::Message(b"again".to_vec())]);
        assert_eq!(out, [0x8a, 1, b'?'], "the ping was answered");
        out.clear();
        assert!(!inbound.feed(&client(8, &1000u16.to_be_bytes()), &mut out, |said| {
            assert_eq!(said, Said::Closed);
        }));
        assert_eq!(out[..2], [0x88, 2]);
    }

    #[test]
    fn faults_have_their_codes() {
        let fault_of = |frame: &[u8]| {
            let mut fault = None;
            let mut inbound = Inbound::new(10);
            assert!(!inbound.feed(frame, &mut Vec::new(), |said| fault = Some(said)));
            fault
        };
        let mut heard = Vec::new();
        let mut inbound = Inbound::new(10);
        assert!(inbound.feed(&client(2, b"x"), &mut Vec::new(), |said| heard.push(said)));
        assert_eq!(heard, [Said::Binary]);
        assert_eq!(fault_of(&client(1, &[0xff])), Some(Said::Fault(Close::Unsupported)));
        assert_eq!(fault_of(&client(1, b"longer than ten")), Some(Said::Fault(Close::TooBig)));
        assert_eq!(fault_of(&[0x81, 1, b'x']), Some(Said::Fault(Close::Protocol)));
        assert_eq!(fault_of(&client(3, b"")), Some(Said::Fault(Close::Protocol)));
    }
}
