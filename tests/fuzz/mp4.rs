//! MP4: what describes a movie, cut.

use proto::mp4::{Part, cut, head};

/// The first bytes say which part; the rest is a `moov`. A part lies within the file, and can be cut again.
pub fn mp4(data: &[u8]) {
    let Some((&[start, end, key], moov)) = data.split_first_chunk() else { return };
    let end = (end > start).then(|| u64::from(end) * 100);
    let part = Part { start: u64::from(start) * 100, end, from_key_frame: key & 1 == 1 };
    const FILE: u64 = 1 << 34;
    let Ok(made) = cut(b"", moov, part, FILE) else { return };
    let (offset, len) = made.window;
    assert!(offset.checked_add(len).is_some_and(|end| end <= FILE));
    let first = head(&made.head).expect("a box");
    let size = first.size.expect("its size") as usize;
    assert_eq!(&first.name, b"moov");
    let data = head(&made.head[size..]).expect("another");
    assert_eq!((&data.name, data.size), (b"mdat", Some(len + data.head)));
    assert_eq!(size as u64 + data.head, made.head.len() as u64);
    // Nothing grows beyond what it was made of, but by an edit list and longer offsets for each track.
    assert!(made.head.len() <= 2 * moov.len() + 200);
    let whole = Part { start: 0, end: None, from_key_frame: false };
    let _ = cut(b"", &made.head[8..size], whole, made.head.len() as u64 + len);
}
