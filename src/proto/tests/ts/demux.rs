//! A receiver that insists: each packet whole, no counter skipped, each PES packet as long as it says.

use std::collections::BTreeMap;

/// A PES packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pes {
    pub pid: u16,
    pub pts: u64,
    pub dts: Option<u64>,
    pub random_access: bool,
    pub discontinuity: bool,
    pub pcr: Option<u64>,
    /// The length that it states.
    pub length: usize,
    pub payload: Vec<u8>,
}

/// Everything in a stream.
#[derive(Clone, Debug, Default)]
pub struct Demux {
    pub pes: Vec<Pes>,
    /// Type and PID, as the last table tells them; and its version.
    pub streams: Vec<(u8, u16)>,
    pub version: u8,
    pub tables: usize,
    counters: BTreeMap<u16, u8>,
}

impl Demux {
    pub fn of(bytes: &[u8]) -> Demux {
        let mut demux = Demux::default();
        demux.feed(bytes);
        demux
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        let (packets, rest) = bytes.as_chunks::<188>();
        assert!(rest.is_empty(), "{} bytes are no packet", rest.len());
        packets.iter().for_each(|packet| self.packet(packet));
        for pes in &self.pes {
            assert!(pes.length == 0 || pes.length == pes.payload.len() + header_len(pes) - 6);
        }
    }

    fn packet(&mut self, packet: &[u8; 188]) {
        assert_eq!(packet[0], 0x47);
        let pid = u16::from_be_bytes([packet[1] & 0x1F, packet[2]]);
        let counter = packet[3] & 15;
        if let Some(last) = self.counters.insert(pid, counter) {
            assert_eq!(counter, (last + 1) & 15, "a counter of {pid:#x}");
        }
        assert_eq!(packet[3] & 0xD0, 0x10, "not scrambled, and with a payload");
        let mut at = 4;
        let (mut flags, mut pcr) = (0, None);
        if packet[3] & 0x20 != 0 {
            let length = usize::from(packet[4]);
            at = 5 + length;
            if length > 0 {
                flags = packet[5];
                let mut stuffing = 6;
                if flags & 0x10 != 0 {
                    pcr = Some(clock(&packet[6..12]));
                    stuffing = 12;
                }
                assert!(packet[stuffing..at].iter().all(|byte| *byte == 0xFF));
            }
        }
        let (begins, payload) = (packet[1] & 0x40 != 0, &packet[at..]);
        assert!(!payload.is_empty());
        match pid {
            0 => self.table(payload, 0, 0x1000),
            0x1000 => self.table(payload, 2, 0),
            _ if begins => {
                let mut pes = pes(pid, payload);
                (pes.random_access, pes.discontinuity) = (flags & 0x40 != 0, flags & 0x80 != 0);
                pes.pcr = pcr;
                self.pes.push(pes);
            }
            _ => {
                let pes = self.pes.iter_mut().rev().find(|pes| pes.pid == pid).expect("a begin");
                pes.payload.extend_from_slice(payload);
            }
        }
    }

    fn table(&mut self, payload: &[u8], id: u8, program: u16) {
        assert_eq!(payload[..2], [0, id]);
        let length = usize::from(u16::from_be_bytes([payload[2] & 15, payload[3]]));
        let section = &payload[1..4 + length];
        assert!(payload[4 + length..].iter().all(|byte| *byte == 0xFF));
        assert_eq!(crc(section), 0);
        self.tables += 1;
        if id == 0 {
            assert_eq!(section[8..12], [0, 1, 0xE0 | (program >> 8) as u8, program as u8]);
            return;
        }
        self.version = section[5] >> 1 & 0x1F;
        self.streams.clear();
        let mut rest = &section[12..section.len() - 4];
        while let Some((head, after)) = rest.split_first_chunk::<5>() {
            self.streams.push((head[0], u16::from_be_bytes([head[1] & 0x1F, head[2]])));
            rest = &after[usize::from(head[4])..];
        }
        let clock = u16::from_be_bytes([section[8] & 0x1F, section[9]]);
        assert_eq!(clock, self.streams[0].1);
    }
}

fn header_len(pes: &Pes) -> usize {
    if pes.dts.is_some() { 19 } else { 14 }
}

fn pes(pid: u16, payload: &[u8]) -> Pes {
    assert_eq!(payload[..3], [0, 0, 1]);
    let length = u16::from_be_bytes([payload[4], payload[5]]).into();
    assert_eq!(payload[6], 0x84);
    let both = match payload[7] {
        0x80 => false,
        0xC0 => true,
        other => panic!("flags {other:#x}"),
    };
    assert_eq!(payload[8], if both { 10 } else { 5 });
    let pts = time(&payload[9..14], if both { 3 } else { 2 });
    let dts = both.then(|| time(&payload[14..19], 1));
    let payload = payload[if both { 19 } else { 14 }..].to_vec();
    let (random_access, discontinuity, pcr) = (false, false, None);
    Pes { pid, pts, dts, random_access, discontinuity, pcr, length, payload }
}

fn time(bytes: &[u8], mark: u8) -> u64 {
    assert_eq!(bytes[0] >> 4, mark);
    assert!([bytes[0], bytes[2], bytes[4]].iter().all(|byte| byte & 1 == 1));
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|at| u64::from(bytes[at]));
    (a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1
}

fn clock(bytes: &[u8]) -> u64 {
    assert_eq!((bytes[4] & 0x7F, bytes[5]), (0x7E, 0));
    u64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])) << 1
        | u64::from(bytes[4] >> 7)
}

/// CRC-32/MPEG-2, bit by bit; over a section with its checksum it is 0.
fn crc(section: &[u8]) -> u32 {
    let bits = section.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    bits.fold(u32::MAX, |crc, bit| {
        let out = (crc >> 31) as u8 ^ bit;
        crc << 1 ^ if out == 1 { 0x04C1_1DB7 } else { 0 }
    })
}
