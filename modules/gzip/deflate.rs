//! A body, compressed as it is asked for.

use std::io::Write;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use http::{Body, Coder, Error};

/// zlib-rs' first level is a quarter larger than what zlib makes of its first one; the second is smaller, and still
/// takes less time than that.
const LEAST: u32 = 2;

struct Encoder(GzEncoder<Vec<u8>>);

/// Compresses a body; `level` from 1 to 9.
pub fn body(body: Body, level: u32) -> Body {
    // 3: Unix (RFC 1952), as everybody says.
    let encoder = GzBuilder::new().operating_system(3);
    body.coded(Encoder(encoder.write(Vec::new(), Compression::new(level.max(LEAST)))))
}

impl Coder for Encoder {
    const READ: usize = 32 << 10;

    fn take(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.0.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(self.0.flush()?)
    }

    fn finish(&mut self) -> Result<(), Error> {
        Ok(self.0.try_finish()?)
    }

    fn made(&mut self) -> &mut Vec<u8> {
        self.0.get_mut()
    }
}
