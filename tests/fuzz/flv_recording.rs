//! Recordings as FLV: heads of anybody's, torn ends.

use proto::flv::Reader;
use proto::flv::recording::{Description, Totals, Walk, Walked, head, patch, tag};

/// The first byte is the index's room, the second where the file is cut; the rest is a file, or what is in tags.
pub fn flv_recording(data: &[u8]) {
    let Some((&[room, cut], data)) = data.split_first_chunk() else { return };
    let room = usize::from(room);
    let found = walk(data, room, 64);
    assert_eq!(found, walk(data, room, data.len().max(64)));
    // What is left when it is cut is whole.
    let mut rest = data[..found.end as usize].to_vec();
    assert_eq!(walk(&rest, room, 100), found);
    assert_eq!(last(&rest), found.last);
    let totals = Totals { duration: 1, last: u64::MAX, size: rest.len() as u64 };
    if patch(&mut rest[..found.head as usize], totals, &found.index) {
        assert_eq!(walk(&rest, room, 100), found);
    }
    let mut file = head(&Description::default(), room);
    let (begun, mut ends) = (file.len(), vec![file.len()]);
    for (number, payload) in data.chunks(1 + room).enumerate() {
        let kind = if number % 2 == 0 { 9 } else { 8 };
        assert!(tag(&mut file, kind, number as u32 * 400, payload));
        ends.push(file.len());
    }
    let index = walk(&file, room, 4096).index;
    assert!(index.entries().len() <= room);
    assert!(patch(&mut file[..begun], totals, &index));
    file.truncate((begun + usize::from(cut) * 8).min(file.len()));
    let found = walk(&file, room, 300);
    let end = ends.iter().rev().find(|end| **end <= file.len());
    assert_eq!((Some(&(found.end as usize)), found.head as usize), (end, begun));
}

fn walk(file: &[u8], room: usize, piece: usize) -> Walked {
    let (mut walk, mut steps) = (Walk::new(room), 0);
    while let Some(at) = walk.wanted() {
        let rest = &file[file.len().min(at as usize)..];
        let now = &rest[..rest.len().min(piece)];
        walk.take(now, now.len() == rest.len());
        steps += 1;
        assert!(steps <= file.len() / 15 + 2);
    }
    let found = walk.found();
    assert!(found.head <= found.end && found.end <= file.len() as u64);
    found
}

/// The time of the last frame, as the reader of files sees it, for whom sizes are right and nothing is left over.
fn last(file: &[u8]) -> Option<u32> {
    let (mut reader, mut last, mut end) = (Reader::new(1 << 24), None, 13);
    let read = reader.feed(file, |tag| {
        assert!(tag.back as usize == tag.payload.len() + 11 && tag.back > 11);
        end += tag.back as usize + 4;
        if matches!(tag.kind, 8 | 9) {
            last = Some(tag.timestamp);
        }
    });
    assert!(read.is_ok() && (end == file.len() || file.is_empty()));
    last
}
