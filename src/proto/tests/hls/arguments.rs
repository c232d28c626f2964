//! `_HLS_msn`, `_HLS_part`, `_HLS_skip`.

use proptest::prelude::*;
use proto::hls::{Answer, Asked, There};

const NOW: Answer = Answer::Now { delta: false };
const DELTA: Answer = Answer::Now { delta: true };

/// Segment 10 is whole, of four parts; two parts of segment 11 are there.
const THERE: There = There {
    next_msn: 11,
    parts: 2,
    last_parts: 4,
    part_target: Some(505_000),
    block_reload: true,
    can_skip: true,
    ended: false,
};

fn all(there: &There, cases: &[(&str, Answer)]) {
    for (query, answer) in cases {
        assert_eq!(Asked::answer_to(query.as_bytes(), there), *answer, "{query} of {there:?}");
    }
}

#[test]
fn with_parts() {
    all(
        &THERE,
        &[
            ("", NOW),
            ("a=b&_HLS_other=1", NOW),
            ("_HLS_skip=YES", DELTA),
            ("_HLS_skip=v2", DELTA),
            ("_HLS_skip=yes", NOW),
            ("_HLS_msn=10", NOW),
            ("_HLS_msn=0&_HLS_part=99", NOW),
            ("token=x&_HLS_msn=10&_HLS_skip=YES", DELTA),
            ("_HLS_msn=11", Answer::Wait),
            ("_HLS_msn=11&_HLS_part=0", NOW),
            ("_HLS_msn=11&_HLS_part=1", NOW),
            ("_HLS_msn=11&_HLS_part=2&_HLS_skip=YES", Answer::Wait),
            // Six parts in three seconds.
            ("_HLS_msn=11&_HLS_part=7", Answer::Wait),
            ("_HLS_msn=11&_HLS_part=8", Answer::BadRequest),
            // Behind the last of 10 is the first of 11.
            ("_HLS_msn=10&_HLS_part=4", NOW),
            ("_HLS_msn=10&_HLS_part=10", Answer::BadRequest),
            ("_HLS_msn=12", Answer::Wait),
            ("_HLS_msn=12&_HLS_part=0", Answer::Wait),
            ("_HLS_msn=12&_HLS_part=6", Answer::BadRequest),
            ("_HLS_msn=13", Answer::BadRequest),
            ("_HLS_msn=99999999999999999999999999", Answer::BadRequest),
            ("_HLS_part=1", Answer::BadRequest),
            ("_HLS_msn=", Answer::BadRequest),
            ("_HLS_msn", Answer::BadRequest),
            ("_HLS_msn=-1", Answer::BadRequest),
            ("_HLS_msn=+1", Answer::BadRequest),
            ("_HLS_msn=1e1", Answer::BadRequest),
            ("_HLS_msn=11&_HLS_part=x", Answer::BadRequest),
            ("_HLS_msn=%31%30", NOW),
        ],
    );
}

#[test]
fn the_last_part_and_the_next() {
    let just_begun = There { parts: 0, ..THERE };
    all(
        &just_begun,
        &[
            ("_HLS_msn=10&_HLS_part=3", NOW),
            ("_HLS_msn=10&_HLS_part=4", Answer::Wait),
            ("_HLS_msn=11&_HLS_part=0", Answer::Wait),
            ("_HLS_msn=9&_HLS_part=100", NOW),
        ],
    );
    let long = There { part_target: Some(1_000_000), ..THERE };
    all(
        &long,
        &[
            ("_HLS_msn=11&_HLS_part=4", Answer::Wait),
            ("_HLS_msn=11&_HLS_part=5", Answer::BadRequest),
        ],
    );
}

#[test]
fn without() {
    let whole = There { part_target: None, ..THERE };
    all(&whole, &[("_HLS_msn=10&_HLS_part=9", NOW), ("_HLS_msn=11&_HLS_part=0", Answer::Wait)]);
    let plain = There { block_reload: false, can_skip: false, ..THERE };
    all(
        &plain,
        &[("_HLS_msn=99", NOW), ("_HLS_skip=YES", NOW), ("_HLS_msn=x", Answer::BadRequest)],
    );
    let ended = There { ended: true, ..THERE };
    all(&ended, &[("_HLS_msn=99&_HLS_skip=YES", NOW), ("_HLS_part=1", NOW), ("_HLS_msn=x", NOW)]);
}

proptest! {
    #[test]
    fn any_query(query: Vec<u8>, numbers: [u64; 5], target: Option<u64>, flags: [bool; 3]) {
        let there = There {
            next_msn: numbers[0],
            parts: numbers[1],
            last_parts: numbers[2],
            part_target: target,
            block_reload: flags[0],
            can_skip: flags[1],
            ended: flags[2],
        };
        Asked::answer_to(&query, &there);
        let asked = Asked { msn: Some(numbers[3]), part: Some(numbers[4]), skip: true };
        let answer = asked.answer(&there);
        // Whoever waits gets an answer as more comes.
        if answer == Answer::Wait {
            let later = There { next_msn: numbers[3].saturating_add(2), ..there };
            let now = matches!(asked.answer(&later), Answer::Now { delta: _ });
            prop_assert!(now || later.next_msn == u64::MAX);
        }
    }
}
