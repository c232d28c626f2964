//! The form of the file, byte for byte, and what becomes of it when a bit is not as it was.

use proptest::prelude::*;

use super::disk::Disk;
use crate::header::{Begun, Header, Identity, Past};
use crate::segment::Segment;
use crate::shape::{PAGE, Shape};
use crate::{Durability, Keeper, Log, LogState, Record};

/// Keeps nothing.
struct Nothing;

impl Keeper for Nothing {
    fn is_kept(&self, _: &[u8], _: u64) -> bool {
        false
    }

    fn drop_upto(&self, _: &[u8], _: u64) {}
}

/// CRC-32C bit by bit (RFC 3720, 12.1: the polynomial 0x1EDC6F41, reflected).
fn crc(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| bit(crc)))
}

const SECRET: [u64; 2] = [0x1122_3344_5566_7788, 0x99aa_bbcc_ddee_ff00];

fn log(shape: Shape) -> (Disk, Log<Disk>, LogState) {
    let disk = Disk::new(shape.len() as usize, 4096);
    let state = LogState::default();
    let identity = Identity { epoch: 7, secret: SECRET, newest: 0, past: Vec::new() };
    let log = Log::create_shaped(disk.clone(), shape, identity, Durability::Off, &state);
    (disk, log.expect("a log"), state)
}

#[test]
fn the_file_has_this_form() {
    // RFC 3720, B.4: 32 bytes of zeros; and the usual check value.
    assert_eq!(crc(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
    let shape = Shape { segment: 8192, count: 4 };
    let (disk, log, state) = log(shape);
    let body = [b'x'; 5000];
    let parts: [&[u8]; 2] = [b"head", &body];
    let record = Record {
        seq: 1,
        number: 2,
        key: 3,
        place: 4,
        time: 5,
        wall: 6,
        flags: 8,
        head: 4,
        max_count: 9,
        max_age: 10,
        channel: b"news",
        parts: &parts,
    };
    log.append(&state, &record, &Nothing).expect("appended");
    let bytes = disk.bytes();
    // Segment 1 stands in the second place.
    let segment = &bytes[8192 + 8192..][..8192];
    let le = |words: &[u64]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let le32 = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let secret = le(&SECRET);
    let life = 1_000_000_000_000_000_000;
    let head = [&b"RSERVSEG"[..], &le(&[1, life, life]), &le32(&[7])].concat();
    assert_eq!(segment[..36], head);
    assert_eq!(segment[36..40], crc(&[&secret[..], &head].concat()).to_le_bytes());
    let lead = [
        // The fifth is the clock of the device, in milliseconds.
        &le(&[1, 2, 3, 5, life / 1_000_000, 10])[..],
        &le32(&[4, 8, 4, 9, 5004]),
        &[4, 0, 0, 0],
        b"news",
        b"head",
    ]
    .concat();
    let seed = [&secret[..], &le(&[1, life])].concat();
    // The first page has room for 4096 - 40 - 8 bytes of the record.
    let first = [&lead[..], &body[..4048 - lead.len()]].concat();
    let place = |offset: u64, len: u16, kind: u8| {
        let len = len.to_le_bytes();
        [&offset.to_le_bytes()[..], &len, &[kind, 0]].concat()
    };
    let first_crc = crc(&[&seed[..], &place(40, 4048, 2), &first].concat());
    assert_eq!(segment[40..44], first_crc.to_le_bytes());
    assert_eq!(segment[44..48], [0xd0, 0x0f, 2, 0]);
    assert_eq!(segment[48..4096], first);
    let left = 5000 - (4048 - lead.len());
    let last = [&first_crc.to_le_bytes()[..], &body[..left]].concat();
    let len = last.len() as u16;
    let last_crc = crc(&[&seed[..], &place(4096, len, 4), &last].concat());
    assert_eq!(segment[4096..4100], last_crc.to_le_bytes());
    assert_eq!(segment[4100..4104], [&len.to_le_bytes()[..], &[4, 0]].concat());
    assert_eq!(segment[4104..4104 + last.len()], last);
    assert_eq!(segment[4104 + last.len()..][..8], [0; 8]);
    // The header's third generation is on the second page.
    let header = &bytes[4096..8192];
    assert_eq!(header[..16], [&b"RSERVWAL"[..], &le32(&[1, 7])].concat());
    assert_eq!(header[4092..], crc(&header[..4092]).to_le_bytes());
}

fn headers() -> impl Strategy<Value = Header> {
    let words = prop::collection::vec(0..1u64 << 62, 8);
    let past = prop::collection::vec((any::<u32>(), any::<u64>()), 0..65);
    (words, any::<u128>(), past, any::<bool>(), 3..65u64).prop_map(
        |(words, boot, past, closed, count)| Header {
            shape: Shape { segment: 8192, count },
            generation: words[0],
            epoch: words[1] as u32,
            secret: [words[1], words[2]],
            boot,
            device: words[3],
            inode: words[4],
            begun: Begun {
                life: words[4],
                at: words[5] | 8192,
                newest: words[6],
                damaged: words[7] as u32,
            },
            closed: closed.then_some(words[6]),
            wall: words[7],
            past: past.into_iter().map(|(epoch, upto)| Past { epoch, upto }).collect(),
        },
    )
}

fn records() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>, u64)>> {
    let name = prop::collection::vec(any::<u8>(), 0..256);
    let len = prop_oneof![0..300usize, 3900..4200usize, 0..12000usize];
    let bytes = len.prop_flat_map(|len| prop::collection::vec(any::<u8>(), len));
    prop::collection::vec((name, bytes, any::<u64>()), 1..12)
}

proptest! {
    #[test]
    fn a_header_comes_back(header in headers()) {
        prop_assert_eq!(Header::decode(&header.encode()), Some(header));
    }

    #[test]
    fn records_come_back(records in records()) {
        let (disk, log, state) = log(Shape { segment: 16 * PAGE, count: 4 });
        for (n, (channel, bytes, word)) in records.iter().enumerate() {
            let (a, b) = bytes.split_at(bytes.len() / 3);
            let parts = [a, b];
            let seq = n as u64 + 1;
            let record = Record { seq, key: *word, channel, parts: &parts, ..Record::default() };
            log.append(&state, &record, &Nothing).expect("appended");
        }
        let found = Log::open(disk, Durability::Off).expect("opened");
        let mut all = Vec::new();
        let each = |r: &Record<'_>| all.push((r.channel.to_vec(), r.parts.concat(), r.key));
        found.replay(each).expect("replayed");
        prop_assert_eq!(all, records);
    }
}

#[test]
fn no_flipped_bit_makes_another_record() {
    let (disk, log, state) = log(Shape { segment: 8192, count: 4 });
    let mut all = Vec::new();
    for seq in 1..=20 {
        let bytes = vec![seq as u8; if seq == 9 { 4000 } else { 140 }];
        let record = Record { seq, channel: b"a channel", parts: &[&bytes], ..Record::default() };
        log.append(&state, &record, &Nothing).expect("appended");
        all.push((seq, bytes));
    }
    let segment = 8192 + 8192;
    for at in (0..8192).chain(segment..segment + 8192) {
        for bit in 0..8 {
            disk.corrupt(at, |bytes| bytes[0] ^= 1 << bit);
            match Log::open(disk.clone(), Durability::Off) {
                Ok(found) => {
                    let mut there = Vec::new();
                    let each = |r: &Record<'_>| there.push((r.seq, r.parts.concat()));
                    found.replay(each).expect("replayed");
                    assert!(there.iter().all(|record| all.contains(record)), "{at}.{bit}");
                    // The tail may have been torn by whoever died in it.
                    let missing = there.len() < all.len() - 1;
                    assert!(!missing || !found.certain, "{at}.{bit}: {} records", there.len());
                }
                Err(error) => panic!("{at}.{bit}: {error}"),
            }
            disk.corrupt(at, |bytes| bytes[0] ^= 1 << bit);
        }
    }
}

#[test]
fn a_segment_is_of_one_place_use_and_file() {
    let shape = Shape { segment: 8192, count: 4 };
    let segment = Segment { number: 6, life: 3, epoch: 1, wall: 2 };
    let bytes = segment.encode(SECRET);
    assert_eq!(Segment::decode(&bytes, shape, 2, SECRET), Some(segment));
    assert_eq!(Segment::decode(&bytes, shape, 1, SECRET), None);
    assert_eq!(Segment::decode(&bytes, shape, 2, [1, 2]), None);
    let later = Segment { number: 10, ..segment };
    let other = Segment { life: 4, ..segment };
    assert_ne!(segment.seed(SECRET), later.seed(SECRET));
    assert_ne!(segment.seed(SECRET), other.seed(SECRET));
    assert_ne!(segment.seed(SECRET), segment.seed([1, 2]));
}
