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

/// Samples of a packet of Opus at 48 kHz (RFC 6716 §3.1); 0: it is empty.
pub fn opus_samples(packet: &[u8]) -> u32 {
    let Some(&toc) = packet.first() else { return 0 };
    let frame = match toc >> 3 {
        config @ 0..12 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..16 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(1, |count| u32::from(count & 0x3F)),
    };
    // No packet is longer than 120 ms.
    (frame * frames).min(5760)
}

/// Samples of a frame of FLAC (RFC 9639 §9.1.1); `None`: it is none.
pub fn flac_samples(frame: &[u8]) -> Option<u32> {
    let &[0xFF, second, sizes, _, number, ..] = frame else { return None };
    if second & 0xFC != 0xF8 {
        return None;
    }
    // The frame's number is coded as UTF-8 would be; a size that is told apart follows it.
    let after = 4 + (number.leading_ones() as usize).max(1);
    match sizes >> 4 {
        1 => Some(192),
        code @ 2..6 => Some(576 << (code - 2)),
        6 => Some(u32::from(*frame.get(after)?) + 1),
        7 => {
            let size = frame.get(after..)?.first_chunk()?;
            Some(u32::from(u16::from_be_bytes(*size)) + 1)
        }
        code @ 8.. => Some(256 << (code - 8)),
        _ => None,
    }
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

    #[test]
    fn lengths() {
        // 20 ms of CELT; two frames of 60 ms; three of 2.5 ms; more than there may be.
        let packets = [&[0xFC][..], &[0x1D], &[0x83, 3], &[0x1B, 63], &[]];
        assert_eq!(packets.map(opus_samples), [960, 5760, 360, 5760, 0]);
        assert_eq!(flac_samples(&[0xFF, 0xF8, 0xC9, 0x18, 0]), Some(4096));
        assert_eq!(flac_samples(&[0xFF, 0xF8, 0x79, 0x18, 0xC2, 0x80, 0x11, 0xFF]), Some(0x1200));
        assert_eq!(flac_samples(&[0xFF, 0xF8, 0x79, 0x18, 0xC2, 0x80, 0x11]), None);
        assert_eq!(flac_samples(&[0xFF, 0xF1, 0xC9, 0x18, 0]), None);
    }
}
