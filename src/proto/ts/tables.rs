//! The tables that say what a stream consists of (ISO 13818-1 §2.4.4), each in one packet.
//!
//! ```text
//! PAT  00  B0 length (8)  stream (16)  C1|version  0 0  program (16) PID (16)  CRC (32)
//! PMT  02  B0 length (8)  program (16) C1|version  0 0  E000|clock's PID  F000|0  ( type (8) E000|PID F000|length, descriptors )*  CRC
//! ```

use super::PACKET;

pub(super) const PMT: u16 = 0x1000;
pub(super) const VIDEO: u16 = 0x100;
pub(super) const AUDIO: u16 = 0x101;

/// A program's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    pub pid: u16,
    /// stream_type (table 2-34, and ATSC's for AC-3).
    pub kind: u8,
    /// The name to register it by; for types that are not ISO's own.
    pub registration: Option<[u8; 4]>,
}

pub(super) fn pat() -> [u8; PACKET] {
    let mut section = vec![0x00, 0xB0, 0, 0, 1, 0xC1, 0, 0, 0, 1];
    section.extend((0xE000 | PMT).to_be_bytes());
    packet(0, section)
}

/// The table of a program whose clock goes with the first of its streams.
pub(super) fn pmt(version: u8, streams: &[Stream]) -> [u8; PACKET] {
    let clock = streams.first().map_or(0x1FFF, |stream| stream.pid);
    let mut section = vec![0x02, 0xB0, 0, 0, 1, 0xC1 | (version & 0x1F) << 1, 0, 0];
    section.extend((0xE000 | clock).to_be_bytes());
    section.extend([0xF0, 0]);
    for stream in streams {
        section.push(stream.kind);
        section.extend((0xE000 | stream.pid).to_be_bytes());
        match stream.registration {
            Some(name) => {
                section.extend([0xF0, 6, 5, 4]);
                section.extend(name);
            }
            None => section.extend([0xF0, 0]),
        }
    }
    packet(PMT, section)
}

/// A packet whose payload is the section, with its length and its checksum; they do not depend on the counter.
fn packet(pid: u16, mut section: Vec<u8>) -> [u8; PACKET] {
    // What follows the length, the checksum included. Two streams at most: far less than a packet.
    section[2] = (section.len() - 3 + 4) as u8;
    section.extend(crc(&section).to_be_bytes());
    let mut packet = [0xFF; PACKET];
    let [high, low] = (0x4000 | pid).to_be_bytes();
    packet[..5].copy_from_slice(&[0x47, high, low, 0x10, 0]);
    packet[5..5 + section.len()].copy_from_slice(&section);
    packet
}

/// CRC-32/MPEG-2.
fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            crc << 1 ^ if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum() {
        assert_eq!(super::crc(b"123456789"), 0x0376_E6E7);
    }
}
