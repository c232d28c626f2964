//! Sending: memory by `sendmsg`, files by `sendfile` or through a buffer.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::rc::Rc;

use mem::{Block, Buf, Chain};

use crate::block::settings::Settings;
use crate::error::Error;
use rt::Io;

/// What an answer still has to send.
#[derive(Default)]
pub struct Output {
    /// In order.
    pub chain: Chain,
    /// A piece of a file that was read into memory: it goes before the chain.
    piece: Chain,
    /// Whether windows of a file are in it, and whether a part of them has gone out.
    pub file: bool,
    started: bool,
    /// Bytes handed to the kernel.
    pub sent: u64,
}

/// How far a send came.
#[derive(Debug)]
pub enum Sent {
    /// Everything is with the kernel.
    All,
    /// The kernel takes no more now.
    Blocked,
    /// Others shall have their turn.
    Yield,
    /// The next piece of a file is to be sent by another thread.
    Offload,
    /// The connection is broken, or the file is not what it was.
    Failed(OutputError),
}

/// Why an answer cannot be completed.
#[derive(Debug)]
pub enum OutputError {
    /// Of the connection.
    Connection(io::Error),
    /// Reading the file failed.
    File(io::Error),
    /// What the body comes from cannot go on.
    Source(Error),
    /// The file is shorter than what was promised of it.
    Shrunk,
}

/// Slices of one system call.
const SLICES: usize = 64;

/// Work for another thread: a piece of a file.
pub struct Piece {
    file: File,
    offset: u64,
    len: usize,
    /// The socket, or `None` to read into memory.
    socket: Option<i32>,
}

impl Piece {
    /// Sends or reads the piece; runs in any thread.
    pub fn work(self) -> io::Result<(usize, Vec<u8>)> {
        match self.socket {
            Some(socket) => {
                let fd = self.file.as_raw_fd();
                Ok((sys::stream::sendfile(socket, fd, self.offset, self.len)?, Vec::new()))
            }
            None => {
                let mut bytes = vec![0; self.len];
                let read = sys::file::read_at(&self.file, &mut bytes, self.offset)?;
                bytes.truncate(read);
                Ok((read, bytes))
            }
        }
    }
}

impl Output {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.chain.is_empty() && self.piece.is_empty()
    }

    /// Bytes that are left.
    pub fn len(&self) -> u64 {
        self.chain.len() + self.piece.len()
    }

    /// Forgets everything, keeps its memory.
    pub fn clear(&mut self) {
        self.chain.clear();
        self.piece.clear();
        self.file = false;
        self.started = false;
        self.sent = 0;
    }

    /// Begins another answer's accounts.
    pub fn begin(&mut self, file: bool) {
        self.file = file;
        self.started = false;
    }

    /// Sends as much as the kernel takes, up to the settings' share of a turn, and up to `most` bytes.
    pub fn send(&mut self, io: Io, settings: &Settings, most: u64) -> Sent {
        let mut share = settings.sendfile_max_chunk.min(most);
        while !self.is_empty() {
            if share == 0 {
                return Sent::Yield;
            }
            let result = match self.front_file() {
                None => self.send_memory(io, share),
                // Another thread that finds the socket full must not be sent at once again.
                Some(_) if settings.aio_threads && !io.is_writable() => return Sent::Blocked,
                Some(_) if settings.aio_threads => return Sent::Offload,
                Some((file, offset, len)) => {
                    self.send_file(io, settings, file, offset, len.min(share))
                }
            };
            match result {
                Ok(count) => share = share.saturating_sub(count),
                Err(OutputError::Connection(error))
                    if error.kind() == io::ErrorKind::WouldBlock =>
                {
                    return Sent::Blocked;
                }
                Err(fault) => return Sent::Failed(fault),
            }
        }
        Sent::All
    }

    fn front_file(&self) -> Option<(Rc<File>, u64, u64)> {
        if !self.piece.is_empty() {
            return None;
        }
        match self.chain.iter().next()? {
            Buf::File(window) => Some((window.file.clone(), window.offset, window.len)),
            Buf::Memory(_) => None,
        }
    }

    fn send_memory(&mut self, io: Io, most: u64) -> Result<u64, OutputError> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let from_piece = !self.piece.is_empty();
        let chain = if from_piece { &self.piece } else { &self.chain };
        let used = chain.memory_prefix(&mut slices, usize::try_from(most).unwrap_or(usize::MAX));
        let bytes: usize = slices[..used].iter().map(|slice| slice.len()).sum();
        let more = (bytes as u64) < self.len();
        let count = io.write(&slices[..used], more).map_err(OutputError::Connection)? as u64;
        match from_piece {
            true => self.piece.advance(count),
            false => self.chain.advance(count),
        }
        self.sent += count;
        Ok(count)
    }

    fn send_file(
        &mut self,
        io: Io,
        settings: &Settings,
        file: Rc<File>,
        offset: u64,
        len: u64,
    ) -> Result<u64, OutputError> {
        self.check(&file, offset)?;
        let Some(socket) = io.sendfile_socket().filter(|_| settings.sendfile) else {
            let mut block = Block::take((settings.output_buffer as usize).min(len as usize));
            let room = block.capacity().min(len as usize);
            let read = sys::file::read_at(&file, &mut block.spare_mut()[..room], offset);
            let read = read.map_err(OutputError::File)?;
            block.advance(read);
            self.take_piece(block, read)?;
            return Ok(0);
        };
        let sent = socket.sendfile(file.as_raw_fd(), offset, len.min(1 << 30) as usize);
        let sent = sent.map_err(OutputError::Connection)? as u64;
        if sent == 0 {
            return Err(OutputError::Shrunk);
        }
        self.chain.advance(sent);
        self.sent += sent;
        Ok(sent)
    }

    fn take_piece(&mut self, block: Block, read: usize) -> Result<(), OutputError> {
        if read == 0 {
            return Err(OutputError::Shrunk);
        }
        self.chain.advance(read as u64);
        self.piece.push(Buf::memory(block.freeze()));
        Ok(())
    }

    /// Between two pieces the file is looked at again: so many bytes of it were promised, and nothing
    /// goes out in the place of those that are gone. Whatever else happens to it (a log grows, a date
    /// is set) breaks no promise.
    fn check(&mut self, file: &File, offset: u64) -> Result<(), OutputError> {
        if !self.file || !std::mem::replace(&mut self.started, true) {
            return Ok(());
        }
        let left = self.chain.front_file().map_or(0, |(_, _, left)| left);
        let size = sys::file::stat(file).map_err(OutputError::File)?.size;
        if size < offset.saturating_add(left) { Err(OutputError::Shrunk) } else { Ok(()) }
    }

    /// The next piece of the file at the front, of at most `share` bytes, as work for another thread.
    pub fn piece(&mut self, io: Io, settings: &Settings, share: u64) -> Result<Piece, OutputError> {
        let Some((file, offset, len)) = self.front_file() else { return Err(OutputError::Shrunk) };
        self.check(&file, offset)?;
        let socket = io.sendfile_socket().filter(|_| settings.sendfile);
        if let Some(socket) = socket {
            socket.lend();
        }
        let most = match socket.is_some() {
            true => settings.sendfile_max_chunk.clamp(1, 1 << 30),
            false => settings.output_buffer,
        };
        Ok(Piece {
            file: sys::descriptors::retry(|| file.try_clone()).map_err(OutputError::File)?,
            offset,
            len: len.min(most).min(share) as usize,
            socket: socket.map(|socket| socket.fd()),
        })
    }

    /// Takes the result of a piece that another thread worked on.
    pub fn took(
        &mut self,
        io: Io,
        result: io::Result<(usize, Vec<u8>)>,
    ) -> Result<(), OutputError> {
        match result {
            Ok((0, _)) => Err(OutputError::Shrunk),
            Ok((count, bytes)) => {
                returned(io);
                self.chain.advance(count as u64);
                match bytes.is_empty() {
                    true => self.sent += count as u64,
                    false => self.piece.push_str(bytes.into()),
                }
                Ok(())
            }
            // The socket is full, and the event that tells of room is still to come, or has come.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                returned(io);
                Ok(())
            }
            Err(error) => Err(OutputError::Connection(error)),
        }
    }
}

/// Another thread could write to the socket, or has not touched it.
fn returned(io: Io) {
    if let Some(socket) = io.sendfile_socket() {
        socket.returned_writable();
    }
}
