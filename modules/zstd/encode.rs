//! A body, compressed as it is asked for.

use std::io::Write;

use http::{Body, Coder, Error, Failed};
use zstd_crate::stream::write;

/// From this level on a window would be larger than clients take: 8 MiB (RFC 9659).
const WIDE: i32 = 20;
/// The logarithm of that.
const WIDEST: u32 = 23;

/// Compresses a body; `level` from 1 to 22.
pub fn body(body: Body, level: i32) -> Body {
    match encoder(level, body.len()) {
        Ok(encoder) => body.coded(encoder),
        Err(error) => Body::Source(Box::new(Failed::new(error.into()))),
    }
}

fn encoder(level: i32, len: Option<u64>) -> std::io::Result<Encoder> {
    let mut encoder = write::Encoder::new(Vec::new(), level)?;
    if level >= WIDE {
        encoder.window_log(WIDEST)?;
    }
    // What is short gets little tables; how long it is stands in the frame then, and must be so.
    encoder.set_pledged_src_size(len)?;
    encoder.include_contentsize(len.is_some())?;
    Ok(Encoder(encoder))
}

struct Encoder(write::Encoder<'static, Vec<u8>>);

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
        Ok(self.0.do_finish()?)
    }

    fn made(&mut self) -> &mut Vec<u8> {
        self.0.get_mut()
    }
}
