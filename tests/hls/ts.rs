//! Just as much of transport streams as tells whether packets are missing, and what frames there are.

use std::collections::BTreeMap;

/// What the packets of pictures have in them.
pub fn pictures(bytes: &[u8]) -> Vec<u8> {
    let (mut pid, mut all) = (None, Vec::new());
    for packet in bytes.chunks(188) {
        let adaptation = if packet[3] & 0x20 != 0 { 1 + usize::from(packet[4]) } else { 0 };
        let (own, payload) = ([packet[1] & 0x1F, packet[2]], &packet[4 + adaptation..]);
        if payload.starts_with(&[0, 0, 1, 0xE0]) {
            pid = Some(own);
        }
        if pid == Some(own) {
            all.extend_from_slice(payload);
        }
    }
    all
}

/// A packet of an elementary stream (ISO 13818-1 §2.4.3.6): a picture, or frames of sound.
pub struct Packet {
    pub is_sound: bool,
    pub pts: u64,
    pub dts: u64,
    pub payload: Vec<u8>,
}

/// Those of a segment.
pub fn packets(bytes: &[u8]) -> Vec<Packet> {
    let mut open: BTreeMap<[u8; 2], Packet> = BTreeMap::new();
    let mut all = Vec::new();
    for packet in bytes.chunks(188) {
        let adaptation = if packet[3] & 0x20 != 0 { 1 + usize::from(packet[4]) } else { 0 };
        let (pid, payload) = ([packet[1] & 0x1F, packet[2]], &packet[4 + adaptation..]);
        if packet[1] & 0x40 != 0 && payload.starts_with(&[0, 0, 1]) {
            let has_dts = payload[7] & 0x40 != 0;
            let (is_sound, pts) = (payload[3] & 0xF0 != 0xE0, time(&payload[9..]));
            let dts = if has_dts { time(&payload[14..]) } else { pts };
            let payload = payload[9 + usize::from(payload[8])..].to_vec();
            all.extend(open.insert(pid, Packet { is_sound, pts, dts, payload }));
        } else if let Some(packet) = open.get_mut(&pid) {
            packet.payload.extend_from_slice(payload);
        }
    }
    all.extend(open.into_values());
    all
}

/// Five bytes of a time.
fn time(bytes: &[u8]) -> u64 {
    let [a, b, c, d, e] = *bytes.first_chunk().expect("a time");
    u64::from(a >> 1 & 7) << 30
        | u64::from(b) << 22
        | u64::from(c >> 1) << 15
        | u64::from(d) << 7
        | u64::from(e >> 1)
}

/// How many frames of AAC there are, and how many seconds one is (ISO 14496-3 §1.A.3.2). `None`: it is something else.
pub fn adts(mut bytes: &[u8]) -> Option<(f64, f64)> {
    const RATES: [u32; 8] = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050];
    let (mut frames, mut frame) = (0.0, None);
    while let Some(&[0xFF, b, c, d, e, f, _]) = bytes.first_chunk().filter(|it| it[1] >= 0xF0) {
        assert_eq!(b & 6, 0, "the layer");
        let rate = *RATES.get(usize::from(c >> 2 & 15))?;
        let len = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
        (frames, frame) = (frames + 1.0, Some(1024.0 / f64::from(rate)));
        bytes = bytes.get(len..).expect("a frame");
    }
    frame.filter(|_| bytes.is_empty()).map(|frame| (frames, frame))
}

/// What is known of the packets before.
#[derive(Clone, Default)]
pub struct Stream {
    counters: BTreeMap<u16, u8>,
    /// The decoding times of pictures, in 90,000ths of a second.
    pub pictures: Vec<u64>,
    /// The times of packets of sound.
    pub sound: Vec<u64>,
}

impl Stream {
    /// Looks at a segment; it must begin with the tables, and no packet must be missing.
    pub fn segment(&mut self, bytes: &[u8]) {
        assert!(bytes.len().is_multiple_of(188), "{} bytes", bytes.len());
        for (number, packet) in bytes.chunks(188).enumerate() {
            assert_eq!(packet[0], 0x47);
            let pid = u16::from_be_bytes([packet[1], packet[2]]) & 0x1FFF;
            match number {
                0 => assert_eq!(pid, 0, "PAT"),
                1 => assert!(pid < 0x1FFF && pid > 0xF, "PMT"),
                _ => {}
            }
            if packet[3] & 0x10 == 0 {
                continue;
            }
            let counter = packet[3] & 15;
            if let Some(before) = self.counters.insert(pid, counter) {
                assert_eq!(counter, (before + 1) & 15, "PID {pid}, packet {number}");
            }
            let adaptation = if packet[3] & 0x20 != 0 { 1 + usize::from(packet[4]) } else { 0 };
            let payload = &packet[4 + adaptation..];
            if packet[1] & 0x40 != 0 && payload.starts_with(&[0, 0, 1]) {
                let times = payload[7] >> 6;
                let at = if times == 3 { 14 } else { 9 };
                let time = time(&payload[at..]);
                match payload[3] {
                    0xE0..=0xEF => self.pictures.push(time),
                    _ => self.sound.push(time),
                }
            }
        }
    }
}

/// Whether the first picture is marked as one that decoding can begin with.
pub fn begins_with_a_key(bytes: &[u8]) -> bool {
    let begins = |packet: &&[u8]| {
        let adaptation = if packet[3] & 0x20 != 0 { 1 + usize::from(packet[4]) } else { 0 };
        packet[1] & 0x40 != 0 && packet[4 + adaptation..].starts_with(&[0, 0, 1, 0xE0])
    };
    let first = bytes.chunks(188).find(begins);
    first.is_some_and(|packet| packet[3] & 0x20 != 0 && packet[4] > 0 && packet[5] & 0x40 != 0)
}
