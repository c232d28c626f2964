//! The smallest part of something that still shows what is looked for.

/// Takes parts away, halves first and single ones at last, as long as `shows` holds (Zeller's
/// delta debugging). What comes back shows it, and does not without any one of its parts; unless
/// `tries` were used up.
pub fn smallest<T: Clone>(
    parts: &[T],
    tries: &mut usize,
    mut shows: impl FnMut(&[T]) -> bool,
) -> Vec<T> {
    let mut kept = parts.to_vec();
    let mut size = kept.len().div_ceil(2).max(1);
    loop {
        let (mut at, mut changed) = (0, false);
        while at < kept.len() {
            if *tries == 0 {
                return kept;
            }
            *tries -= 1;
            let mut fewer = kept.clone();
            fewer.drain(at..(at + size).min(kept.len()));
            if shows(&fewer) {
                kept = fewer;
                changed = true;
            } else {
                at += size;
            }
        }
        match (size, changed) {
            (1, false) => return kept,
            (1, true) => {}
            _ => size = size.div_ceil(2),
        }
    }
}

/// The same for bytes: lines, then single ones.
pub fn smallest_text(
    bytes: &[u8],
    tries: &mut usize,
    mut shows: impl FnMut(&[u8]) -> bool,
) -> Vec<u8> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    let lines = smallest(&lines, tries, |lines| shows(&lines.concat())).concat();
    // The two bytes that end a line are one.
    let units: Vec<&[u8]> = lines
        .split_inclusive(|&byte| byte == b'\n')
        .flat_map(|line| {
            let end = line.len() - if line.ends_with(b"\r\n") { 2 } else { 0 };
            let (line, end) = line.split_at(end);
            line.chunks(1).chain(end.chunks(2))
        })
        .collect();
    smallest(&units, tries, |units| shows(&units.concat())).concat()
}

#[test]
fn only_what_is_needed_is_left() {
    let all: Vec<u32> = (0..100).collect();
    for wanted in [vec![], vec![0], vec![99], vec![17, 18], vec![3, 50, 51, 98]] {
        let mut tries = 10_000;
        let found =
            smallest(&all, &mut tries, |some| wanted.iter().all(|number| some.contains(number)));
        assert_eq!(found, wanted);
    }
}

#[test]
fn nothing_can_be_taken_from_what_is_left() {
    // Not monotonous: an even count of odd numbers, at least two.
    let shows = |some: &[u32]| {
        let odd = some.iter().filter(|number| *number % 2 == 1).count();
        odd >= 2 && odd % 2 == 0
    };
    let found = smallest(&(0..40).collect::<Vec<u32>>(), &mut 10_000, shows);
    assert!(shows(&found));
    for at in 0..found.len() {
        let mut fewer = found.clone();
        fewer.remove(at);
        assert!(!shows(&fewer), "{found:?} without number {at}");
    }
}

#[test]
fn it_ends_when_its_tries_are_used_up() {
    let mut count = 0;
    let found = smallest(&[0; 1000], &mut 5, |_| {
        count += 1;
        false
    });
    assert_eq!((found.len(), count), (1000, 5));
}

#[test]
fn text_loses_lines_and_bytes() {
    let text = b"GET /some/where HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2\r\n\r\n";
    let found = smallest_text(text, &mut 10_000, |some| {
        some.starts_with(b"GET /") && some.windows(5).any(|part| part == b"Range")
    });
    assert_eq!(found, b"GET /Range");
}
