//! `_HLS_msn`, `_HLS_part`, `_HLS_skip`.

use proto::hls::{Answer, Asked, There};

/// Some bytes say what there is, the rest is a query. An answer is the same however it is come by, and who waits is answered once
/// there is more.
pub fn hls_arguments(data: &[u8]) {
    let Some((&[flags, next, parts, last, target], query)) = data.split_first_chunk() else {
        return;
    };
    let there = There {
        next_msn: u64::from(next),
        parts: parts.into(),
        last_parts: last.into(),
        part_target: (target > 0).then(|| u64::from(target) * 10_000),
        block_reload: flags & 1 == 1,
        can_skip: flags & 2 == 2,
        ended: flags & 4 == 4,
    };
    let answer = Asked::answer_to(query, &there);
    let Some(asked) = Asked::of(query) else {
        assert!(answer == Answer::BadRequest || there.ended);
        return;
    };
    assert_eq!(answer, asked.answer(&there));
    assert!(asked.part.is_none() || asked.msn.is_some());
    if let Answer::Now { delta: true } = answer {
        assert!(asked.skip && there.can_skip && !there.ended);
    }
    if !there.block_reload || there.ended || asked.msn.is_none() {
        assert!(matches!(answer, Answer::Now { .. }));
    }
    // There is what was asked for if there is that or something after it.
    if let (Some(msn), Some(part), true) = (asked.msn, asked.part, there.part_target.is_some()) {
        let before = there.next_msn.checked_sub(1).map(|msn| (msn, there.last_parts));
        let newest = [Some((there.next_msn, there.parts)), before];
        let mut newest = newest.into_iter().flatten().filter(|(_, parts)| *parts > 0);
        let is_there = newest.any(|(at, parts)| (at, parts - 1) >= (msn, part));
        let answered = matches!(answer, Answer::Now { .. } | Answer::BadRequest);
        assert!(!is_there || answered, "{asked:?} of {there:?}");
    }
    if answer == Answer::Wait {
        let msn = asked.msn.expect("something to wait for");
        assert!(msn <= there.next_msn + 1);
        let later = There { next_msn: msn + 2, ..there };
        assert!(matches!(asked.answer(&later), Answer::Now { .. }));
        let ended = There { ended: true, ..there };
        assert_eq!(asked.answer(&ended), Answer::Now { delta: false });
    }
}
