//! A look at what a client says first, which stays where it is for whoever serves the session.

use std::io::ErrorKind;

use mem::Block;
use sys::log::Level;

use crate::session::Session;

/// What a look has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It has seen what it needs.
    Enough,
    /// More is to come.
    More,
}

impl Session {
    /// Waits until `see` has enough, as nginx does: a client that ends before that, or takes too long over it, is not served
    /// (200); one that says more than `preread_buffer_size` is refused (400). Of an encrypted session, or one of datagrams,
    /// nothing can be seen.
    pub async fn look(&self, mut see: impl FnMut(&[u8]) -> Look) -> Result<(), u16> {
        let conn = self.conn;
        if self.is_encrypted() || self.is_datagrams() {
            return Ok(());
        }
        conn.set_timeout(self.server.preread_timeout);
        while self.peek(&mut see)? == Look::More {
            conn.readable().await.map_err(|_| 200_u16)?;
        }
        Ok(())
    }

    /// Looks at what is there, in memory that nobody has while it waits for more.
    fn peek(&self, see: &mut impl FnMut(&[u8]) -> Look) -> Result<Look, u16> {
        let conn = self.conn;
        let mut block = Block::take(self.server.preread_buffer_size);
        let most = self.server.preread_buffer_size;
        let buffer = &mut block.spare_mut()[..most];
        let count = match conn.peek(buffer) {
            Ok(0) => return Err(200),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Look::More),
            Err(_) => return Err(200),
        };
        if see(&buffer[..count]) == Look::Enough {
            return Ok(Look::Enough);
        }
        if count == most {
            let what = "preread buffer full while prereading client data";
            self.log(Level::Error, format_args!("{what}"));
            return Err(400);
        }
        if conn.hung_up() {
            return Err(200);
        }
        conn.expect_more();
        Ok(Look::More)
    }
}
