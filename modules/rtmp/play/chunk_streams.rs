//! What a connection's client knows of the chunk streams on it.

use proto::rtmp::{chunk, message};

use crate::play::output::OutputFormat;
use crate::play::write_batch::WriteBatch;

/// How a connection is written to.
#[derive(Clone, Copy, Debug)]
pub struct ChunkStreams {
    /// What is spoken.
    pub format: OutputFormat,
    /// The size of chunks that the client was told of.
    chunk_size: u32,
    /// Whose the last message of each chunk stream was, players counted from 1: a header that says only
    /// what has changed is understood if the message before it was the same player's.
    last: [u32; 3],
}

impl ChunkStreams {
    /// Of a connection on which nothing was sent but the size of chunks.
    pub fn new(format: OutputFormat, chunk_size: usize) -> ChunkStreams {
        ChunkStreams { format, chunk_size: chunk_size as u32, last: [0; 3] }
    }

    /// A player sends in a chunk stream; `true`: the last message there was its own.
    pub fn take(&mut self, slot: usize, player: u32) -> bool {
        let before = std::mem::replace(&mut self.last[slot], player + 1);
        before == player + 1
    }

    /// Tells the client the size of the chunks to come, if it is another: a configuration has changed
    /// while the connection lasted.
    pub fn tell_chunk_size<A: Copy>(&mut self, size: u32, batch: &mut WriteBatch<A>) {
        if size != self.chunk_size {
            self.chunk_size = size;
            batch.own(|out| {
                let payload = size.to_be_bytes();
                chunk::write_message(out, 128, 2, message::SET_CHUNK_SIZE, 0, 0, &payload);
            });
        }
    }

    /// The client was told of another size of chunks.
    pub fn set_chunk_size(&mut self, size: usize) {
        self.chunk_size = size as u32;
    }

    /// The size of chunks that the client was told of.
    pub fn chunk_size(&self) -> usize {
        self.chunk_size as usize
    }
}
