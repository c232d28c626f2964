//! Just as much of transport streams as tells whether packets are missing, and what frames there are.

use std::collections::BTreeMap;

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
        assert!(bytes.len() % 188 == 0, "{} bytes", bytes.len());
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
                let time = &payload[at..at + 5];
                let time = u64::from(time[0] >> 1 & 7) << 30
                    | u64::from(time[1]) << 22
                    | u64::from(time[2] >> 1) << 15
                    | u64::from(time[3]) << 7
                    | u64::from(time[4] >> 1);
                match payload[3] {
                    0xE0..=0xEF => self.pictures.push(time),
                    _ => self.sound.push(time),
                }
            }
        }
    }
}
