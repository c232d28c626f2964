//! A body that is stored while it goes to the client. What the client has not taken yet waits in the cache's file; what comes
//! when it has gone is stored nevertheless.

use std::task::{Context, Poll};

use cache::{Fill, WrittenBody};
use http::{Error, Source, read_chain};
use mem::{Buf, Chain, Str};

use crate::relay::Relay;

/// So much is read at once.
const READ: usize = 64 << 10;
/// Reads of one turn, while the client takes nothing.
const TURNS: usize = 16;

/// The body.
pub struct Keeping {
    /// Where it comes from. `None`: it has ended.
    from: Option<Relay>,
    /// Where it is stored. `None`: it is not, any more.
    fill: Option<Fill>,
    /// What was stored.
    written: WrittenBody,
    /// So many bytes the client has taken.
    at: u64,
    /// What has come last and is in memory, and where that begins: all before it is stored.
    newest: Chain,
    newest_at: u64,
    length: Option<u64>,
    failed: Option<Error>,
}

impl Keeping {
    /// Of an answer.
    pub fn new(from: Relay, fill: Fill) -> Keeping {
        let (length, written) = (from.length(), fill.body());
        let mut keeping = Keeping {
            from: Some(from),
            fill: Some(fill),
            written,
            at: 0,
            newest: Chain::new(),
            newest_at: 0,
            length,
            failed: None,
        };
        if let Some(whole) = keeping.from.as_mut().and_then(Relay::whole) {
            keeping.take(whole);
            keeping.end(None);
        }
        keeping
    }

    /// All of the body, if all of it is there, and nothing was given.
    pub fn whole(&mut self) -> Option<Chain> {
        let is_whole = self.from.is_none() && self.failed.is_none() && self.newest_at == 0;
        is_whole.then(|| std::mem::take(&mut self.newest))
    }

    /// A piece has come.
    fn take(&mut self, mut piece: Chain) {
        if self.fill.is_some() {
            // The client has not taken what was there: it finds that in the file.
            self.newest_at += self.newest.len();
            self.newest.clear();
        }
        while let Some(buf) = piece.pop() {
            let bytes = match buf {
                Buf::Memory(bytes) => bytes,
                // It was ahead in a file already.
                file => match in_memory(file) {
                    Ok(bytes) => bytes,
                    Err(error) => return self.end(Some(error)),
                },
            };
            if let Some(Err(error)) = self.fill.as_mut().map(|fill| fill.push(&bytes)) {
                match error.raw_os_error() {
                    Some(_) => {
                        let errno = sys::log::errno(&error);
                        sys::log!(Crit, "an answer is not stored: {errno}");
                    }
                    None => sys::log!(Info, "an answer is not stored: {error}"),
                }
                self.fill.take().into_iter().for_each(Fill::unkept);
            }
            self.newest.push(Buf::Memory(bytes));
        }
    }

    fn end(&mut self, failed: Option<Error>) {
        self.from = None;
        let fill = self.fill.take().filter(|_| failed.is_none());
        if let Some(Err(error)) = fill.map(Fill::finish) {
            sys::log!(Crit, "an answer is not stored: {error}");
        }
        self.failed = failed;
    }

    /// Reads more. `Pending`: there is none for now.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(from) = &mut self.from else { return Poll::Ready(()) };
        match from.poll(cx, READ) {
            Poll::Ready(Ok(Some(piece))) => self.take(piece),
            Poll::Ready(Ok(None)) => self.end(None),
            Poll::Ready(Err(error)) => self.end(Some(error)),
            Poll::Pending => return Poll::Pending,
        }
        Poll::Ready(())
    }

    /// Reads all of it, for nobody but the cache.
    async fn finish(mut self: Box<Self>) {
        std::future::poll_fn(|cx| {
            for _ in 0..TURNS {
                if self.from.is_none() || self.fill.is_none() {
                    return Poll::Ready(());
                }
                if self.read(cx).is_pending() {
                    return Poll::Pending;
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        // What is not stored is nobody's.
        (self.from, self.fill) = (None, None);
    }
}

fn in_memory(file: Buf) -> Result<Str, Error> {
    let (len, mut chain, mut bytes) = (file.len() as usize, Chain::new(), Vec::new());
    chain.push(file);
    while !chain.is_empty() {
        read_chain(&mut chain, &mut bytes, len)?;
    }
    Ok(Str::from(bytes))
}

impl Source for Keeping {
    fn length(&self) -> Option<u64> {
        self.length
    }

    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        loop {
            if self.at < self.newest_at {
                let len = (self.newest_at - self.at).min(most as u64);
                let mut piece = Chain::new();
                piece.push(self.written.part(self.at, len));
                self.at += len;
                return Poll::Ready(Ok(Some(piece)));
            }
            if !self.newest.is_empty() {
                let len = self.newest.len().min(most as u64);
                let piece = self.newest.slice(0, len);
                self.newest.advance(len);
                self.newest_at += len;
                self.at += len;
                return Poll::Ready(Ok(Some(piece)));
            }
            if self.from.is_none() {
                return Poll::Ready(self.failed.take().map_or(Ok(None), Err));
            }
            if self.read(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn prepare(&mut self, cx: &mut Context<'_>) {
        for _ in 0..TURNS {
            let has_room = self.fill.is_some() || self.newest.len() < READ as u64;
            if self.from.is_none() || !has_room || self.read(cx).is_pending() {
                return;
            }
        }
        cx.waker().wake_by_ref();
    }
}

impl Drop for Keeping {
    /// The client has gone: others will want it.
    fn drop(&mut self) {
        if let (Some(from), Some(fill)) = (self.from.take(), self.fill.take()) {
            let rest = Keeping {
                from: Some(from),
                written: fill.body(),
                fill: Some(fill),
                at: self.at,
                newest: Chain::new(),
                newest_at: self.newest_at,
                length: self.length,
                failed: None,
            };
            let (rest, hold) = (Box::new(rest), rt::hold());
            rt::spawn(async move {
                rest.finish().await;
                drop(hold);
            });
        }
    }
}
