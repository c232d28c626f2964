//! `_HLS_msn`, `_HLS_part`, `_HLS_skip`.

use proto::hls::{Answer, Arguments, Available, answer};

/// Some bytes say what there is, the rest is a query. Who waits is answered once there is more.
pub fn hls_arguments(data: &[u8]) {
    let Some((&[flags, whole, parts, last, target], query)) = data.split_first_chunk() else {
        return;
    };
    let there = Available {
        whole: whole.into(),
        whole_parts: last.into(),
        parts: parts.into(),
        begun: parts > 0 || flags & 8 == 8,
        part_target: (target > 0).then(|| u32::from(target) * 10),
        ended: flags & 4 == 4,
    };
    let Some(asked) = Arguments::of(query) else { return };
    assert!(asked.part.is_none() || asked.msn.is_some());
    let answered = answer(asked, there);
    let (Some(msn), false, Some(_)) = (asked.msn, there.ended, there.part_target) else {
        return assert_eq!(answered, Answer::Now);
    };
    // There is what was asked for if there is that or something after it.
    if let Some(part) = asked.part {
        let newest = [(there.whole + 1, there.parts), (there.whole, there.whole_parts)];
        let mut newest = newest.into_iter().filter(|(_, parts)| *parts > 0);
        let is_there = newest.any(|(at, parts)| (at, parts - 1) >= (msn, part));
        assert!(!is_there || answered == Answer::Now, "{asked:?} of {there:?}");
    }
    if answered == Answer::Wait {
        let later = Available { whole: msn + 1, ..there };
        assert_eq!(answer(asked, later), Answer::Now);
        assert_eq!(answer(asked, Available { ended: true, ..there }), Answer::Now);
    }
}
