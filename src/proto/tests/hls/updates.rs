//! What a client puts together from updates is the playlist.

use super::*;
use proptest::prelude::*;

/// The lines of a playlist: its head, what is left out, and the segments with all of their tags.
fn split(text: &str) -> (usize, Vec<String>) {
    let (mut skipped, mut segments, mut now) = (0, Vec::new(), String::new());
    for line in text.lines() {
        if let Some(count) = line.strip_prefix("#EXT-X-SKIP:SKIPPED-SEGMENTS=") {
            skipped = count.parse().unwrap();
        }
        let head =
            ["#EXTM3U", "#EXT-X-VERSION", "#EXT-X-TARGET", "#EXT-X-SERVER", "#EXT-X-MEDIA-S"]
                .iter()
                .chain(&["#EXT-X-DISCONTINUITY-SEQ", "#EXT-X-SKIP", "#EXT-X-PART"]);
        if head.into_iter().any(|tag| line.starts_with(tag)) {
            continue;
        }
        now.push_str(line);
        now.push('\n');
        if !line.starts_with('#') {
            segments.push(std::mem::take(&mut now));
        }
    }
    (skipped, segments)
}

proptest! {
    #[test]
    fn base_and_delta(
        shape in prop::collection::vec((1..2000u64, any::<[bool; 4]>()), 1..40),
        gone in 0..5usize, grown in 1..5usize, ended: bool,
    ) {
        let segments: Vec<_> = shape
            .iter()
            .enumerate()
            .map(|(number, (ms, [discontinuity, mapped, keyed, timed]))| Segment {
                discontinuity: *discontinuity,
                map: mapped.then(|| Map { uri: format!("m{}", number / 3), range: None }),
                key: keyed.then(|| Key { uri: "k".to_owned(), iv: None }),
                time: timed.then_some(number as u64),
                parts: vec![part("part", *ms)],
                ..segment(&format!("s{number}"), *ms)
            })
            .collect();
        let control = Control { can_skip_until: Some(6 * SECOND), ..Control::low_latency(500_000, 1) };
        let of = |from: usize, to: usize, ended| MediaPlaylist {
            target_duration: 1,
            media_sequence: from as u64,
            control,
            segments: segments[from.min(to)..to].to_vec(),
            ended,
            ..MediaPlaylist::default()
        };
        let before = of(0, segments.len().saturating_sub(grown), false);
        let after = of(gone.min(segments.len() - 1), segments.len(), ended);
        let (full, delta) = (split(&after.render(false)), split(&after.render(true)));
        prop_assert_eq!(delta.0, after.skipped());
        prop_assert_eq!(full.0, 0);
        // All of it is there in both, but for what is left out.
        prop_assert_eq!(&full.1[delta.0..], &delta.1);
        if delta.0 > 0 {
            prop_assert!(!ended);
            let rest: u64 = after.segments[delta.0..].iter().map(|segment| segment.duration).sum();
            prop_assert!(rest >= 6 * SECOND);
        }
        // What a client had before is the same, if it has no tags that depend on what has gone.
        let first = after.media_sequence as usize;
        let known = split(&before.render(false)).1;
        for (number, text) in known.iter().enumerate().skip(first + 1) {
            prop_assert_eq!(Some(text), full.1.get(number - first));
        }
    }
}

#[test]
fn parts_of_the_last_three_targets() {
    let segments = (0..20)
        .map(|number| Segment {
            parts: vec![part(&format!("p{number}"), 1000)],
            ..segment("s", 1000)
        })
        .collect();
    let mut playlist = MediaPlaylist {
        target_duration: 2,
        control: Control::low_latency(1000 * 1000, 2),
        segments,
        ..MediaPlaylist::default()
    };
    let count = |playlist: &MediaPlaylist| playlist.render(false).matches("#EXT-X-PART:").count();
    assert_eq!(count(&playlist), 6);
    // What has begun is the end.
    playlist.open =
        Some(Segment { parts: vec![part("open", 900), part("open", 100)], ..Segment::default() });
    assert_eq!(count(&playlist), 7);
    playlist.control.part_target = None;
    assert_eq!(count(&playlist), 0);
    assert_eq!(playlist.skipped(), 8);
}
