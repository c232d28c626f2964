//! Waiting for a client: for its body, or for nothing but time.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use sys::log::Level;

use super::Request;
use crate::body::Body;
use crate::body::kept::Kept;
use crate::error::Error;

impl Request {
    /// Waits, while the client does. The error is the status of a request whose client has gone.
    pub async fn sleep(&mut self, ms: u64) -> Result<(), u16> {
        let conn = self.connection.conn();
        let mut sleep = pin!(rt::sleep(ms));
        let waits = poll_fn(|cx| match conn.hung_up() {
            true => Poll::Ready(false),
            false => sleep.as_mut().poll(cx).map(|()| true),
        });
        if waits.await {
            return Ok(());
        }
        self.error(Level::Info, format_args!("client prematurely closed connection"));
        Err(499)
    }

    /// The body of the request, all of it, if that is at most `limit` bytes. The error has the status to answer with.
    pub async fn read_body(&mut self, limit: usize) -> Result<Vec<u8>, Error> {
        self.take_body().read_whole(limit).await
    }

    /// Reads the body and keeps it, for several who read it.
    pub async fn keep_body(&mut self) -> Result<(), Error> {
        let mut body = self.take_body();
        let settings = &self.location().settings;
        let (memory, in_file) = (settings.client_body_buffer_size as usize, settings.body_in_file);
        let kept = Kept::fill(&mut body, memory, in_file, &settings.body_folder).await?;
        self.body = kept.body();
        // Those that are asked on its behalf have the same.
        self.with_lasting(|known: &mut Kept| *known = kept);
        Ok(())
    }

    /// Takes the body, to be read piece by piece, or to be passed on.
    pub fn take_body(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }
}
