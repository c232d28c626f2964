//! What comes back from a file.

use wal::{Durability, Identity, Keeper, Log, Record};

use super::{append, zone};
use crate::{Attributes, ReadLimits, Reading};

struct All;

impl Keeper for All {
    fn is_kept(&self, _: &[u8], _: u64) -> bool {
        true
    }

    fn drop_upto(&self, _: &[u8], _: u64) {}
}

#[test]
fn a_hole_among_old_records_is_told() {
    // Of what was gone before, a part may be in the file yet: a copy of the first record, say, whose successor was
    // not copied any more.
    let dir = std::env::temp_dir().join(format!("broadcast-{}", std::process::id()));
    let path = dir.join("log");
    std::fs::create_dir_all(&dir).expect("a folder");
    let (file, new) = wal::create(&path, 1 << 20).expect("a file");
    let identity = Identity { epoch: 7, secret: [1, 2], newest: 10, past: Vec::new() };
    let state = &zone(1 << 20, 256).header().wal;
    let log = Log::create(file, identity, Durability::Off, state).expect("a log");
    for (number, seq) in [(1, 2), (2, 4), (5, 8), (6, 9)] {
        let record = Record { channel: b"a", seq, number, parts: &[b"x"], ..Record::default() };
        log.append(state, &record, &All).expect("appended");
    }
    log.close(state, 10).expect("closed");
    new.install().expect("in its place");
    drop(log);
    let file = wal::open_file(&path).expect("opened").expect("there");
    let found = Log::open(file, Durability::Off).expect("a log");
    assert!(found.certain);
    let zone = zone(1 << 20, 256);
    zone.restore(found, 8).expect("restored");
    std::fs::remove_dir_all(&dir).expect("it goes");
    zone.lock().verify();
    let (reader, channel) = (zone.attach().expect("a row"), zone.find(b"a").expect("there"));
    for (cursor, gone) in [(0, true), (2, true), (4, true), (7, false), (8, false)] {
        let read = reader.read(&[channel], cursor, None, ReadLimits::default());
        match read {
            Reading::Lagged { upto } => assert!(gone && upto == 7, "{cursor}: {upto}"),
            Reading::Batch(_) => assert!(!gone, "{cursor}"),
            _ => panic!("{cursor}: nothing"),
        }
    }
    assert_eq!(append(zone, "a", b"y", &Attributes::default()), 11);
}
