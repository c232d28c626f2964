//! What an Opus or a FLAC stream is (RFC 7845 §5.1, RFC 9639 §8.2).

/// Channels and samples a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Loudspeakers.
    pub channels: u8,
    /// Samples a second.
    pub rate: u32,
}

/// Reads an identification header of Opus; decoders play at 48 kHz whatever rate the input had.
pub fn opus(header: &[u8]) -> Option<Sound> {
    let rest = header.strip_prefix(b"OpusHead")?;
    Some(Sound { channels: *rest.get(1)?, rate: 48_000 })
}

/// Reads the header of a FLAC stream: its marker, and the block STREAMINFO.
pub fn flac(header: &[u8]) -> Option<Sound> {
    let block = header.strip_prefix(b"fLaC")?.get(4..)?;
    // 20 bits of the rate, 3 of the channels less one.
    let [a, b, c] = *block.get(10..)?.first_chunk()?;
    let bits = u32::from_be_bytes([0, a, b, c]);
    Some(Sound { channels: (bits >> 1 & 7) as u8 + 1, rate: bits >> 4 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let opus_head = b"OpusHead\x01\x02\x38\x01\x44\xac\0\0\0\0\0";
        assert_eq!(opus(opus_head), Some(Sound { channels: 2, rate: 48_000 }));
        assert_eq!((opus(b"OpusHead\x01"), opus(b"OggS")), (None, None));
        // 44100 Hz, stereo, 16 bits.
        let info = b"fLaC\x80\0\0\x22\x10\0\x10\0\0\0\0\0\0\0\x0a\xc4\x42\xf0\0\0\0\0";
        assert_eq!(flac(info), Some(Sound { channels: 2, rate: 44_100 }));
        assert_eq!(flac(b"fLaC\0\0\0\x22"), None);
    }
}
