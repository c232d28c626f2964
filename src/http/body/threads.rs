//! A body's files, read by other threads: for whoever makes something else of the body than what `sendfile` takes.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use mem::{Buf, Chain, Str, Window};

use crate::body::{Body, Source};
use crate::error::Error;

impl Body {
    /// The same body, whose files other threads read if they are to (`aio threads`): a disk that lets one wait keeps nobody
    /// else waiting.
    pub fn by_threads(self, by_threads: bool) -> Body {
        match self {
            Body::Chain(chain) if by_threads && has_files(&chain) => {
                Body::Source(Box::new(ByThreads { chain, reading: None }))
            }
            body => body,
        }
    }
}

fn has_files(chain: &Chain) -> bool {
    chain.iter().any(|buf| matches!(buf, Buf::File(_)))
}

struct ByThreads {
    chain: Chain,
    /// The next piece.
    reading: Option<rt::Offload<io::Result<Vec<u8>>>>,
}

impl Source for ByThreads {
    fn length(&self) -> Option<u64> {
        Some(self.chain.len())
    }

    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        let front = self.chain.iter().next().cloned();
        let window = match front {
            None => return Poll::Ready(Ok(None)),
            Some(Buf::File(window)) => window,
            Some(Buf::Memory(bytes)) => {
                self.chain.advance(bytes.len() as u64);
                return Poll::Ready(Ok(Some(of(bytes))));
            }
        };
        let reading = match self.reading.take() {
            Some(reading) => reading,
            None => read(&window, most)?,
        };
        let bytes = ready!(Pin::new(self.reading.insert(reading)).poll(cx));
        self.reading = None;
        let bytes = bytes?;
        if bytes.is_empty() {
            return Poll::Ready(Err(Error::invalid(super::SHRUNK)));
        }
        self.chain.advance(bytes.len() as u64);
        Poll::Ready(Ok(Some(of(Str::from(bytes)))))
    }
}

fn of(bytes: Str) -> Chain {
    let mut chain = Chain::new();
    chain.push_str(bytes);
    chain
}

fn read(window: &Window, most: usize) -> io::Result<rt::Offload<io::Result<Vec<u8>>>> {
    let file = sys::descriptors::retry(|| window.file.try_clone())?;
    let (offset, len) = (window.offset, (window.len as usize).min(most));
    Ok(rt::offload(move || {
        let mut bytes = vec![0; len];
        let read = sys::file::read_at(&file, &mut bytes, offset)?;
        bytes.truncate(read);
        Ok(bytes)
    }))
}
