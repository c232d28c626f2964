//! A body, compressed as it is asked for.

use std::io::Write;

use brotli_crate::CompressorWriter;
use brotli_crate::enc::BrotliEncoderParams;
use http::{Body, Coder, Error};

/// The encoder writes so much at once.
const BUFFER: usize = 4 << 10;

/// The smallest window that the format has.
const LEAST_WINDOW: u32 = 10;

/// Compresses a body; `level` from 0 to 11, the window by its logarithm.
pub fn body(body: Body, level: u32, mut window: u32) -> Body {
    // What is shorter than the window needs none of that size, nor the memory.
    if let Some(len) = body.len() {
        while window > LEAST_WINDOW && len < 1 << (window - 1) {
            window -= 1;
        }
    }
    let params = BrotliEncoderParams {
        quality: level as i32,
        lgwin: window as i32,
        size_hint: body.len().unwrap_or(0) as usize,
        ..BrotliEncoderParams::default()
    };
    body.coded(Encoder::Going(Box::new(CompressorWriter::with_params(Vec::new(), BUFFER, &params))))
}

/// The crate's encoder ends by being taken apart.
enum Encoder {
    Going(Box<CompressorWriter<Vec<u8>>>),
    Ended(Vec<u8>),
}

impl Coder for Encoder {
    const READ: usize = 32 << 10;

    fn take(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        if let Encoder::Going(encoder) = self {
            encoder.write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Error> {
        match self {
            Encoder::Going(encoder) => Ok(encoder.flush()?),
            Encoder::Ended(_) => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), Error> {
        if let Encoder::Going(encoder) = std::mem::replace(self, Encoder::Ended(Vec::new())) {
            *self = Encoder::Ended(encoder.into_inner());
        }
        Ok(())
    }

    fn made(&mut self) -> &mut Vec<u8> {
        match self {
            Encoder::Going(encoder) => encoder.get_mut(),
            Encoder::Ended(made) => made,
        }
    }
}
