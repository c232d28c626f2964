//! Files that are not as they were left: copies, older ones, damaged ones, anything at all.

use super::disk::Disk;
use super::world::World;
use super::{Random, setting};
use crate::fragment::{self, FragmentKind};
use crate::header::{Front, Header};
use crate::segment::Segment;
use crate::shape::{HEADERS, Shape};
use crate::{Device, Doubt, Durability, Error, Identity, Log, LogState, OpenError, Record};

const SHAPE: Shape = Shape { segment: 8192, count: 5 };

/// One that was written to for a while.
fn world(appends: usize) -> World {
    let mut world = World::new(9, SHAPE, 4096, Durability::Ack);
    for n in 0..appends {
        assert!(world.append(n * 37 % 900, None));
        world.evict_to(10_000);
    }
    world
}

fn doubt(disk: &Disk) -> Option<Doubt> {
    Log::open(disk.clone(), Durability::Ack).expect("opened").doubt
}

#[test]
fn a_file_that_was_left_alone_is_certain() {
    for appends in [1, 10, 200] {
        let mut world = world(appends);
        // kill -9 of all, and the machine is alive.
        assert_eq!(doubt(&world.disk), None);
        world.disk.pass(3_000_000_000);
        assert_eq!(doubt(&world.disk), None, "the date is of the last write, not of now");
        world.close(None);
        assert_eq!(doubt(&world.disk), None);
        world.disk.restart();
        assert_eq!(doubt(&world.disk), None, "it was closed before the machine was restarted");
    }
}

#[test]
fn a_restart_of_the_machine_is_doubted_if_the_file_was_open() {
    let world = world(20);
    world.disk.restart();
    assert_eq!(doubt(&world.disk), Some(Doubt::Restarted));
}

#[test]
fn copies_are_doubted() {
    let mut world = world(20);
    let open = world.disk.bytes();
    world.close(None);
    let closed = world.disk.bytes();
    for copy in [open, closed] {
        let disk = world.disk.clone();
        // `cp` over the same file: another date.
        disk.restore(&copy);
        assert_eq!(doubt(&disk), Some(Doubt::Changed));
        // `mv` of a copy: another file.
        disk.set_inode(77);
        assert_eq!(doubt(&disk), Some(Doubt::Copied));
        disk.set_inode(2);
    }
}

#[test]
fn a_lost_page_is_doubted_and_the_rest_is_there() {
    let mut world = world(200);
    world.close(None);
    let whole = Log::open(world.disk.clone(), Durability::Ack).expect("opened").records();
    let bytes = world.disk.bytes();
    for page in 0..bytes.len() / 4096 {
        world.disk.corrupt(page * 4096, |bytes| bytes[..4096].fill(0xa5));
        let found = Log::open(world.disk.clone(), Durability::Ack).expect("opened");
        let there = found.replay(|_| {}).expect("replayed");
        assert!(there + 80 > whole, "{there} of {whole}");
        // Behind the head nothing counts.
        assert!(there == whole || !found.certain, "page {page}");
        world.disk.corrupt(0, |now| now.copy_from_slice(&bytes));
    }
}

#[test]
fn known_damage_is_doubted_once() {
    let mut world = world(200);
    world.disk.corrupt(HEADERS as usize + 3 * 4096, |bytes| bytes[..4096].fill(0));
    world.tampered = true;
    world.reopen(true);
    assert_eq!(world.certain, [0, 1]);
    for n in 0..4 {
        assert!(world.append(100, None));
        if n == 2 {
            world.close(None);
            world.disk.restart();
        }
        world.reopen(false);
    }
    assert_eq!(world.certain, [4, 1]);
}

#[test]
fn a_file_cut_short_gives_what_is_there() {
    let world = world(200);
    let bytes = world.disk.bytes();
    for len in (0..bytes.len()).step_by(1000) {
        let half = Disk::of(bytes[..len].to_vec());
        match Log::open(half, Durability::Ack) {
            Ok(found) => {
                assert!(!found.certain && len >= 4096);
                found.replay(|_| {}).expect("replayed");
                assert!(len < 30_000 || found.records() > 0);
            }
            Err(OpenError::Blank) => assert_eq!(len, 0),
            Err(OpenError::Broken) => assert!(len < 4096),
            Err(error) => panic!("{len}: {error}"),
        }
    }
}

#[test]
fn other_files_are_told_apart() {
    let opened = |bytes: Vec<u8>| Log::open(Disk::of(bytes), Durability::Ack).expect_err("no log");
    assert!(matches!(opened(vec![]), OpenError::Blank));
    assert!(matches!(opened(vec![0; 1 << 18]), OpenError::Blank));
    assert!(matches!(opened(b"SQLite format 3\0".to_vec()), OpenError::Foreign));
    // The zones that were mapped as they are: magic, size, version.
    let mut old = vec![0; 1 << 18];
    old[..8].copy_from_slice(b"RSERVELG");
    old[16] = 2;
    assert!(matches!(opened(old), OpenError::Version(2)));
    let mut later = world(3).disk.bytes();
    for page in [0, 4096] {
        later[page + 8] = 9;
        let crc = crc32c::crc32c(&later[page..page + 4092]);
        later[page + 4092..page + 4096].copy_from_slice(&crc.to_le_bytes());
    }
    assert!(matches!(opened(later), OpenError::Version(9)));
}

#[test]
fn a_full_disk_is_an_error_and_no_more() {
    for room in 0..40 {
        let mut world = world(100);
        world.disk.set_room(Some(room));
        let mut failed = 0;
        for n in 0..30 {
            failed += usize::from(!world.append(n * 400, None));
        }
        assert!(failed > 0);
        world.disk.set_room(None);
        assert!(world.append(500, None));
        world.reopen(false);
    }
}

#[test]
fn after_a_sync_that_failed_none_succeeds() {
    // The system reports a failed write once, and forgets what it could not write.
    let disk = Disk::new(SHAPE.len() as usize, 4096);
    let state = LogState::default();
    let identity = Identity { epoch: 1, secret: [1, 2], newest: 0, past: Vec::new() };
    let log = Log::create_shaped(disk.clone(), SHAPE, identity, Durability::Ack, &state);
    let log = log.expect("a log");
    let append = |seq| {
        let record = Record { seq, channel: b"c", parts: &[b"x"], ..Record::default() };
        log.append(&state, &record, &All).expect("appended");
    };
    append(1);
    assert_eq!(log.sync(&state, 1).expect("synced"), 1);
    append(2);
    disk.set_broken(true);
    assert!(log.sync(&state, 2).is_err());
    disk.set_broken(false);
    assert!(log.sync(&state, 2).is_err());
    assert!(log.close(&state, 2).is_err());
    assert_eq!(state.synced(), 1);
    disk.restart();
    assert_eq!(doubt(&disk), Some(Doubt::Restarted), "it was not closed");
}

#[test]
fn nothing_is_appended_if_the_beginning_is_not_on_the_disk() {
    let disk = Disk::new(SHAPE.len() as usize, 4096);
    let state = LogState::default();
    let identity = Identity { epoch: 1, secret: [1, 2], newest: 0, past: Vec::new() };
    let log = Log::create_shaped(disk.clone(), SHAPE, identity, Durability::Off, &state);
    let log = log.expect("a log");
    let record = Record { seq: 1, channel: b"c", parts: &[b"x"], ..Record::default() };
    disk.set_broken(true);
    assert!(log.append(&state, &record, &All).is_err());
    disk.set_broken(false);
    assert!(log.append(&state, &record, &All).is_err());
}

#[test]
fn a_life_is_greater_than_all_before_though_the_header_is_lost() {
    let disk = Disk::new(SHAPE.len() as usize, 4096);
    let state = LogState::default();
    let identity = Identity { epoch: 1, secret: [1, 2], newest: 0, past: Vec::new() };
    let log = Log::create_shaped(disk.clone(), SHAPE, identity, Durability::Ack, &state);
    let record = Record { seq: 1, channel: b"c", parts: &[b"x"], ..Record::default() };
    log.expect("a log").append(&state, &record, &All).expect("appended");
    // The third writing of the header, by which the life began, is on the second page.
    disk.corrupt(4096, |bytes| bytes[..4096].fill(0));
    let found = Log::open(disk, Durability::Ack).expect("opened");
    let later = LogState::default();
    found.go_on(&later, 2).begin(&later).expect("begun");
    assert!(later.life.get() > state.life.get());
}

#[test]
fn epochs_that_are_over_are_remembered() {
    let mut disk = Disk::new(SHAPE.len() as usize, 4096);
    let mut state = LogState::default();
    let identity = Identity { epoch: 1, secret: [1, 2], newest: 10, past: Vec::new() };
    let mut log = Log::create_shaped(disk, SHAPE, identity, Durability::Ack, &state);
    let mut past = Vec::new();
    for epoch in 1..=80 {
        let seq = 10 + u64::from(epoch);
        let record = Record { seq, channel: b"c", parts: &[b"x"], ..Record::default() };
        let this = log.expect("a log");
        this.append(&state, &record, &All).expect("appended");
        disk = this.device().clone();
        disk.restart();
        // It is opened twice before anything is written: an epoch of which nothing came is none.
        for _ in 0..2 {
            let found = Log::open(disk.clone(), Durability::Ack).expect("opened");
            assert_eq!((found.epoch, found.newest), (epoch, seq));
            drop(found.go_on(&LogState::default(), 1000));
        }
        past.push((epoch, seq));
        let found = Log::open(disk.clone(), Durability::Ack).expect("opened");
        let last = &past[past.len().saturating_sub(64)..];
        assert_eq!(found.past.iter().map(|p| (p.epoch, p.upto)).collect::<Vec<_>>(), last);
        state = LogState::default();
        log = Ok(found.go_on(&state, epoch + 1));
    }
}

/// Whatever is in the file: opening it does not fail badly, and what it gives can be gone on with.
#[test]
fn anything_can_be_opened() {
    let seeds = setting("RSERVE_WAL_SEEDS", 3000) / 3;
    let whole = world(200).disk.bytes();
    let Ok(Front::Ours(header, _)) = Front::read(&Disk::of(whole.clone())) else { panic!("ours") };
    let mut opened = 0;
    for seed in 1..=seeds {
        let mut random = Random::new(seed);
        let mut bytes = whole.clone();
        for _ in 0..random.below(6) {
            disturb(&mut random, &mut bytes, &header);
        }
        let disk = Disk::of(bytes);
        let Ok(found) = Log::open(disk, Durability::Ack) else { continue };
        opened += 1;
        // A record takes 80 bytes in the file at least.
        assert!(found.records() <= whole.len() / 80);
        found.replay(|_| {}).expect("replayed");
        let state = LogState::default();
        let newest = found.newest;
        let seq = newest + 1;
        let log = found.go_on(&state, seed as u32);
        let record = Record { seq, channel: b"after", parts: &[b"x"], ..Record::default() };
        let mut appended = log.append(&state, &record, &All);
        if matches!(appended, Err(Error::Unsynced)) {
            log.sync(&state, newest).expect("synced");
            appended = log.append(&state, &record, &All);
        }
        appended.expect("appended");
        log.sync(&state, seq).expect("synced");
        let found = Log::open(log.device().clone(), Durability::Ack).expect("opened");
        let mut last = 0;
        found.replay(|record| last = record.seq).expect("replayed");
        assert_eq!(last, seq, "of seed {seed}");
    }
    assert!(opened > seeds / 2);
}

struct All;

impl crate::Keeper for All {
    fn is_kept(&self, _: &[u8], _: u64) -> bool {
        true
    }

    fn drop_upto(&self, _: &[u8], _: u64) {}
}

/// Changes something; also with checksums that are right, as nobody but an enemy would.
fn disturb(random: &mut Random, bytes: &mut [u8], header: &Header) {
    let page = random.below(bytes.len() / 4096) * 4096;
    match random.below(6) {
        0 => bytes[page..page + 4096].iter_mut().for_each(|b| *b = random.next() as u8),
        1 => bytes[page + random.below(4096)] ^= 1 << random.below(8),
        2 => {
            let other = random.below(bytes.len() / 4096) * 4096;
            bytes.copy_within(other..other + 4096, page);
        }
        3 => {
            let any = random.next() >> random.below(64);
            let mut header = header.clone();
            match random.below(5) {
                0 => header.begun.at = any,
                1 => header.begun.newest = any,
                2 => header.closed = Some(any),
                3 => header.generation = any,
                _ => header.shape.count = any % 70,
            }
            let at = random.below(2) * 4096;
            bytes[at..at + 4096].copy_from_slice(&header.encode());
        }
        4 => {
            let number = random.next() >> random.below(64);
            let segment =
                Segment { number, life: header.begun.life, epoch: 1, wall: random.next() };
            let slot = (number % header.shape.count) as usize;
            let at = HEADERS as usize + slot * header.shape.segment as usize;
            bytes[at..at + 40].copy_from_slice(&segment.encode(header.secret));
        }
        _ => {
            // A fragment of anything in the place of another.
            let shape = header.shape;
            let slot = random.below(shape.count as usize);
            let at = HEADERS as usize + slot * shape.segment as usize;
            let held = Segment::decode(&bytes[at..], shape, slot as u64, header.secret);
            let Some(held) = held else { return };
            let len = random.below(300);
            let mut data: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
            if len > 72 {
                data[68..72].copy_from_slice(&[3, 0, 0, 0]);
                data[random.below(8)..8].fill(0);
                data[64..68].copy_from_slice(&(random.below(500) as u32).to_le_bytes());
            }
            let offset = [40, 4096][random.below(2)];
            let kind =
                [FragmentKind::Full, FragmentKind::First, FragmentKind::Middle, FragmentKind::Last]
                    [random.below(4)];
            let seed = held.seed(header.secret);
            let (len, data) = (len as u16, &data[..]);
            let crc = fragment::checksum(seed, offset, kind, len, [data].into_iter());
            let at = at + offset as usize;
            bytes[at..at + 8].copy_from_slice(&fragment::head(crc, len, kind));
            bytes[at + 8..at + 8 + data.len()].copy_from_slice(data);
        }
    }
}

#[test]
fn a_device_tells_the_machines_start() {
    // The kernel's, if it says; twice the same.
    let disk = std::fs::File::open("/proc/sys/kernel/random/boot_id");
    let file = crate::File::inherit(std::fs::File::open("/dev/null").expect("there").into());
    assert_eq!(file.boot() != 0, disk.is_ok());
    assert_eq!(file.boot(), file.boot());
}
