//! Cutting a PES packet into packets.

use super::PACKET;

/// Where the payload begins in a packet without an adaptation field.
const HEADER: usize = 4;

/// What stands in the adaptation field of the first packet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Adaptation {
    /// The program's clock, in its 90 kHz part.
    pub pcr: Option<u64>,
    /// Decoding can begin here.
    pub random_access: bool,
    /// The clock does not go on where it was.
    pub discontinuity: bool,
}

impl Adaptation {
    fn flags(self) -> u8 {
        u8::from(self.discontinuity) << 7
            | u8::from(self.random_access) << 6
            | u8::from(self.pcr.is_some()) << 4
    }
}

/// Takes a PES packet in pieces, and appends packets.
pub(super) struct Packets<'a> {
    out: &'a mut Vec<u8>,
    pid: u16,
    counter: &'a mut u8,
    /// Of the PES packet, what is in no packet yet.
    left: usize,
    /// Of that, what the packet takes that is being written.
    room: usize,
}

impl<'a> Packets<'a> {
    /// Begins a PES packet of `len` bytes; exactly these have to be given then.
    pub(super) fn begin(
        out: &'a mut Vec<u8>,
        pid: u16,
        counter: &'a mut u8,
        first: Adaptation,
        len: usize,
    ) -> Packets<'a> {
        // An adaptation field has 8 bytes at most, but for what it is filled with.
        out.reserve((len + 8).div_ceil(PACKET - HEADER) * PACKET);
        let mut packets = Packets { out, pid, counter, left: len, room: 0 };
        packets.open(0x40, first);
        packets
    }

    /// Appends a piece.
    pub(super) fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.room == 0 {
                self.open(0, Adaptation::default());
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.room));
            if now.is_empty() {
                debug_assert!(false, "more was put than was announced");
                return;
            }
            self.out.extend_from_slice(now);
            self.room -= now.len();
            bytes = later;
        }
    }

    /// Writes what comes before the payload. An adaptation field is there if it has something to say, or to fill a packet
    /// up; one byte is filled by its length alone.
    fn open(&mut self, start: u8, adaptation: Adaptation) {
        let flags = adaptation.flags();
        let said = match (adaptation.pcr, flags) {
            (Some(_), _) => 8,
            (None, 0) => 0,
            (None, _) => 2,
        };
        self.room = self.left.min(PACKET - HEADER - said);
        self.left -= self.room;
        let field = PACKET - HEADER - self.room;
        let [high, low] = self.pid.to_be_bytes();
        let control = if field > 0 { 0x30 } else { 0x10 };
        let counter = *self.counter & 15;
        *self.counter = (counter + 1) & 15;
        self.out.extend_from_slice(&[0x47, start | high, low, control | counter]);
        if field == 0 {
            return;
        }
        self.out.push((field - 1) as u8);
        if field == 1 {
            return;
        }
        self.out.push(flags);
        if let Some(pcr) = adaptation.pcr {
            self.out.extend_from_slice(&clock(pcr));
        }
        let end = self.out.len() + field - said.max(2);
        self.out.resize(end, 0xFF);
    }
}

/// 33 bits of 90 kHz, 6 that are 1, and 9 of 27 MHz that are 0.
fn clock(base: u64) -> [u8; 6] {
    let bits = (base & 0x1_FFFF_FFFF) << 15 | 0x7E00;
    let [.., a, b, c, d, e, f] = bits.to_be_bytes();
    [a, b, c, d, e, f]
}

/// The header of a PES packet, of 14 or 19 bytes. `payload` is what follows it; 0: until the next one begins.
pub(super) fn pes_header(
    stream: u8,
    payload: usize,
    pts: u64,
    dts: Option<u64>,
) -> ([u8; 19], usize) {
    let (flags, times) = if dts.is_some() { (0xC0, 10) } else { (0x80, 5) };
    let length = if payload == 0 { 0 } else { (payload + 3 + usize::from(times)) as u16 };
    let [high, low] = length.to_be_bytes();
    let mut header = [0; 19];
    header[..9].copy_from_slice(&[0, 0, 1, stream, high, low, 0x84, flags, times]);
    header[9..14].copy_from_slice(&time(if dts.is_some() { 3 } else { 2 }, pts));
    if let Some(dts) = dts {
        header[14..].copy_from_slice(&time(1, dts));
    }
    (header, 9 + usize::from(times))
}

/// A mark (4), and 33 bits in three parts with a 1 behind each.
fn time(mark: u8, time: u64) -> [u8; 5] {
    let part = |shift: u32, bits: u32| (time >> shift & ((1 << bits) - 1)) << 1 | 1;
    let bits = u64::from(mark) << 36 | part(30, 3) << 32 | part(15, 15) << 16 | part(0, 15);
    let [.., a, b, c, d, e] = bits.to_be_bytes();
    [a, b, c, d, e]
}
