//! A compressed body, decompressed as it is asked for: a bomb costs its client's time, and no memory.

use std::io::Write;

use flate2::write::MultiGzDecoder;
use http::{Body, Coder, Error};

struct Decoder(MultiGzDecoder<Vec<u8>>);

/// Decompresses a body.
pub fn body(body: Body) -> Body {
    body.coded_in_pieces(Decoder(MultiGzDecoder::new(Vec::new())))
}

impl Coder for Decoder {
    /// Small: a thousand times as much may come of it.
    const READ: usize = 4 << 10;

    /// The decoder takes only as much as its own buffer holds: it cannot run away between two looks.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        match self.0.write(bytes)? {
            0 => Err(Error::invalid("it goes on behind its end")),
            count => Ok(count),
        }
    }

    /// What has come of it is there already.
    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        Ok(self.0.try_finish()?)
    }

    fn made(&mut self) -> &mut Vec<u8> {
        self.0.get_mut()
    }
}
