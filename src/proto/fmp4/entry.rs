//! Sample entries: how a track is coded (ISO 14496-12 §8.5.2, -14 §5.6, -15; each codec's own mapping for the others).
//!
//! ```text
//! pictures  0 (48) 1 (16)  0 (128)  width (16) height (16)  72 dpi twice  0 (32)  1 (16)  name (256)  24 (16)  -1 (16)  config
//! sound     0 (48) 1 (16)  0 (64)   channels (16) 16 (16)   0 (32)        rate (16.16)                               config
//! esds      0 (32)  03 length  stream (16) 0 (8)  04 length  kind (8) 15 (8) 0 (88)  [05 length config]  06 length 02
//! ```

use crate::flv::sound;
use crate::media::{AudioCodec, AudioTrack, VideoCodec, VideoTrack};
use crate::mp4::boxes::{put, write};

/// Appends that of pictures; `None`: there is none for the codec, and nothing was appended.
pub(super) fn video(out: &mut Vec<u8>, track: &VideoTrack) -> Option<()> {
    let (entry, config) = match track.codec {
        VideoCodec::Avc => (b"avc1", b"avcC"),
        VideoCodec::Hevc => (b"hvc1", b"hvcC"),
        VideoCodec::Av1 => (b"av01", b"av1C"),
        VideoCodec::Vp9 => (b"vp09", b"vpcC"),
        _ => return None,
    };
    let side = |pixels: u32| u16::try_from(pixels).unwrap_or(0).to_be_bytes();
    write(out, entry, |out| {
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
        out.extend_from_slice(&[0; 16]);
        out.extend_from_slice(&side(track.size.0));
        out.extend_from_slice(&side(track.size.1));
        put(out, 72 << 16);
        put(out, 72 << 16);
        put(out, 0);
        out.extend_from_slice(&[0, 1]);
        out.extend_from_slice(&[0; 32]);
        out.extend_from_slice(&[0, 24, 0xFF, 0xFF]);
        write(out, config, |out| match track.codec {
            VideoCodec::Hevc => out.extend_from_slice(&complete(&track.config)),
            VideoCodec::Vp9 => {
                put(out, 1 << 24);
                out.extend_from_slice(track.record());
            }
            _ => out.extend_from_slice(&track.config),
        });
    });
    Some(())
}

/// An `hvcC` which says that all parameter sets are in it, none in the frames.
fn complete(record: &[u8]) -> Vec<u8> {
    let mut record = record.to_vec();
    // Some encoders count versions from 0.
    if let Some(version) = record.first_mut() {
        *version = 1;
    }
    let mut at = 23;
    for _ in 0..record.get(22).copied().unwrap_or(0) {
        let Some(&mut [ref mut kind, high, low]) =
            record.get_mut(at..).and_then(|rest| rest.first_chunk_mut())
        else {
            break;
        };
        *kind |= 0x80;
        at += 3;
        for _ in 0..u16::from_be_bytes([high, low]) {
            let Some(length) = record.get(at..).and_then(|rest| rest.first_chunk()) else { break };
            at += 2 + usize::from(u16::from_be_bytes(*length));
        }
    }
    record
}

/// Appends that of sound; `None`: there is none for the codec, or its configuration is missing. Nothing was appended then.
pub(super) fn audio(out: &mut Vec<u8>, track: &AudioTrack) -> Option<()> {
    let entry = match track.codec {
        AudioCodec::Aac | AudioCodec::Mp3 => b"mp4a",
        AudioCodec::Opus => b"Opus",
        AudioCodec::Flac => b"fLaC",
        AudioCodec::Ac3 => b"ac-3",
        AudioCodec::Eac3 => b"ec-3",
        AudioCodec::Legacy(_) | AudioCodec::Other(_) => return None,
    };
    let (name, config) = audio_config(track)?;
    // A rate that does not fit is told by the configuration, and by the track's timescale.
    let rate = u16::try_from(track.rate).unwrap_or(0);
    write(out, entry, |out| {
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&[0, track.channels, 0, 16]);
        put(out, 0);
        put(out, u32::from(rate) << 16);
        write(out, name, |out| out.extend_from_slice(&config));
    });
    Some(())
}

/// The box with the configuration, and what is in it.
fn audio_config(track: &AudioTrack) -> Option<(&'static [u8; 4], Vec<u8>)> {
    let config = &*track.config;
    Some(match track.codec {
        AudioCodec::Aac => (b"esds", esds(0x40, config)),
        AudioCodec::Mp3 => (b"esds", esds(0x6B, &[])),
        AudioCodec::Opus => (b"dOps", opus(config)?),
        AudioCodec::Flac => {
            sound::flac(config)?;
            let info = config.get(4..42)?;
            // A full box's head; then STREAMINFO, as the last block.
            (b"dfLa", [&[0, 0, 0, 0, 0x80 | info[0]][..], &info[1..]].concat())
        }
        AudioCodec::Ac3 if config.len() == 3 => (b"dac3", config.to_vec()),
        AudioCodec::Eac3 if config.len() == 5 => (b"dec3", config.to_vec()),
        _ => return None,
    })
}

/// Descriptors inside each other, with lengths of four bytes.
fn esds(kind: u8, config: &[u8]) -> Vec<u8> {
    fn descriptor(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len().min(0x0FFF_FFFF) as u32;
        let seven = |shift: u32| (length >> shift & 0x7F) as u8;
        let head = [tag, 0x80 | seven(21), 0x80 | seven(14), 0x80 | seven(7), seven(0)];
        [&head, content].concat()
    }
    let mut decoder = vec![kind, 0x15];
    decoder.extend([0; 11]);
    if !config.is_empty() {
        decoder.extend(descriptor(5, config));
    }
    let mut stream = vec![0, super::AUDIO_TRACK as u8, 0];
    stream.extend(descriptor(4, &decoder));
    stream.extend(descriptor(6, &[2]));
    [&[0; 4][..], &descriptor(3, &stream)].concat()
}

/// An OpusHead in the other byte order, without its name (Opus in ISOBMFF §4.3.2).
fn opus(head: &[u8]) -> Option<Vec<u8>> {
    let channels = sound::opus(head)?.channels;
    let byte = |at: usize| head.get(at).copied().unwrap_or(0);
    let mut out = vec![0, channels];
    out.extend([11, 10, 15, 14, 13, 12, 17, 16, 18].map(byte));
    if byte(18) != 0 {
        out.extend_from_slice(head.get(19..21 + usize::from(channels))?);
    }
    Some(out)
}
