//! A body, compressed as it is asked for.

use std::io::Write;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use http::{Body, Error};
use mem::{Chain, Str};

use crate::coded::{Coded, Coder};

/// A body that is all there, and not longer, is compressed at once.
const SHORT: u64 = 64 << 10;

/// zlib-rs' first level is a quarter larger than what zlib makes of its first one; the second is smaller, and still
/// takes less time than that.
const LEAST: u32 = 2;

type Encoder = GzEncoder<Vec<u8>>;

/// Compresses a body; `level` from 1 to 9.
pub fn body(mut body: Body, level: u32) -> Body {
    // 3: Unix (RFC 1952), as everybody says.
    let encoder = GzBuilder::new().operating_system(3);
    let encoder = encoder.write(Vec::new(), Compression::new(level.max(LEAST)));
    if !is_short(&body) {
        return Body::Source(Box::new(Coded::new(body, encoder)));
    }
    match whole(body.chain(), encoder) {
        Ok(bytes) => {
            let mut chain = Chain::new();
            chain.push_str(Str::from(bytes));
            Body::Chain(chain)
        }
        // It is told when the body is asked for.
        Err(error) => Body::Source(Box::new(http::Failed::new(error))),
    }
}

fn is_short(body: &Body) -> bool {
    matches!(body, Body::Chain(chain) if chain.len() <= SHORT)
}

fn whole(chain: &mut Chain, mut encoder: Encoder) -> Result<Vec<u8>, Error> {
    let mut piece = Vec::new();
    while !chain.is_empty() {
        piece.clear();
        http::read_chain(chain, &mut piece, Encoder::READ)?;
        encoder.write_all(&piece)?;
    }
    Ok(encoder.finish()?)
}

impl Coder for Encoder {
    const READ: usize = 32 << 10;

    fn take(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(Write::flush(self)?)
    }

    fn finish(&mut self) -> Result<(), Error> {
        Ok(self.try_finish()?)
    }

    fn made(&mut self) -> &mut Vec<u8> {
        self.get_mut()
    }
}
