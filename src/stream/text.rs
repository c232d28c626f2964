//! `return`: a text that clients are sent.

use std::io::{self, IoSlice};

use mem::Block;
use rt::{Io, Lingering, TimedOut};
use sys::datagram::LONGEST;
use sys::log::Level;
use sys::stream::unacknowledged;

use crate::api::Template;
use crate::session::{BoxFuture, Content, Session};

/// How long a client may take nothing of what it is sent: nginx's bound for `return`.
const SEND_TIMEOUT_MS: u64 = 5000;
/// The end is as after an answer of HTTP.
const LINGERING: Lingering =
    Lingering { send: SEND_TIMEOUT_MS, timeout: 5000, time: 30_000, most: usize::MAX };

/// A text with variables.
pub struct Text(pub Template);

impl Content for Text {
    fn serve<'s>(&'static self, session: &'s mut Session) -> BoxFuture<'s, u16> {
        Box::pin(async move {
            let mut text = Vec::new();
            self.0.write(session, &mut text, |_, _, _| {});
            let io = Io::new(session.conn);
            if session.is_datagrams() {
                // It answers one datagram: what has come behind that is another session's.
                let mut block = Block::take(LONGEST);
                session.received.set(io.read(block.spare_mut()).unwrap_or(0) as u64);
                session.leave_datagrams();
                // One that does not fit into a datagram is not sent.
                let sent = io.write(&[IoSlice::new(&text)], false).unwrap_or(0);
                session.sent.set(sent as u64);
                return 200;
            }
            match send(io, &text, session).await {
                Ok(()) => {
                    session.end(200);
                    let _ = rt::linger(io, LINGERING).await;
                }
                Err(error) => {
                    if error.kind() == io::ErrorKind::TimedOut {
                        let what = "connection timed out (110: Connection timed out)";
                        session.log(Level::Info, format_args!("{what} while returning text"));
                    }
                    // What has come of the text must not be taken for all of it.
                    io.reset_on_close();
                }
            }
            200
        })
    }
}

async fn send(io: Io, mut text: &[u8], session: &Session) -> io::Result<()> {
    while !text.is_empty() {
        match io.write(&[IoSlice::new(text)], false) {
            Ok(count) => {
                text = &text[count..];
                session.sent.set(session.sent.get() + count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => room(io).await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits until there is room for more. The kernel tells of that when a third of its buffer is free: a client that takes
/// little, but goes on taking, is known by what it has acknowledged.
async fn room(io: Io) -> Result<(), TimedOut> {
    loop {
        let before = unacknowledged(io.fd());
        io.set_timeout(SEND_TIMEOUT_MS);
        match io.writable().await {
            Err(TimedOut) if unacknowledged(io.fd()) < before => {}
            result => return result,
        }
    }
}
