//! H.264's headers, and the size of pictures in them.

use proptest::prelude::*;
use proto::flv::avc;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// What x264 writes.
#[test]
fn avc_headers() {
    let vectors = [
        (
            "0164000cffe100196764000cacd94141fb0110000003001000000300a0f142996001000668ebe3cb22c0fdf8f800",
            "High",
            12,
            320,
            240,
        ),
        (
            "01640028ffe1001b67640028acd940780227e5c044000003000400000300283c60c65801000668ebe3cb22c0fdf8f800",
            "High",
            40,
            1920,
            1080,
        ),
        (
            "014d4016ffe1001a674d4016eca05017f536022000000300200000030141e2c5b2c001000568ebe3cb20",
            "Main",
            22,
            638,
            358,
        ),
        (
            "01f40016ffe1001c67f40016919b281485fc211180880000030008000003005078b16cb001000668ebe3c44844fff8f800",
            "High 4:4:4",
            22,
            641,
            361,
        ),
        (
            "017a0016ffe1001b677a0016bcd940a42fe227c044000003000400000300283c58b65801000668ebe3cb22c0fef8f800",
            "High 4:2:2",
            22,
            642,
            362,
        ),
        (
            "0142c00affe100176742c00ad902c4ec044000000300400000030283c4899201000568cb83cb20",
            "Baseline",
            10,
            176,
            144,
        ),
        // Interlaced.
        (
            "0164001effe100186764001eacd940b424d8088000000300800000190f8a14cb01000768fba3cb3002c0fdf8f800",
            "High",
            30,
            720,
            576,
        ),
    ];
    for (record, profile, level, width, height) in vectors {
        let record = unhex(record);
        let config = avc::Config::of(&record).unwrap();
        assert_eq!((config.profile_name(), config.level), (profile, level));
        assert_eq!(config.size, Some((width, height)));
        for end in 0..record.len() {
            let cut = avc::Config::of(&record[..end]);
            assert_eq!(cut.is_some(), end >= 6);
        }
    }
    assert_eq!(avc::Config::of(&[1, 66, 0, 30, 0xFF, 0xE0]).map(|config| config.size), Some(None));
    assert_eq!(avc::Config::of(&[0, 66, 0, 30, 0xFF, 0xE0]), None);
}

/// Writes a sequence parameter set.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn number(&mut self, bits: u32, value: u32) {
        self.0.extend((0..bits).rev().map(|bit| value >> bit & 1 == 1));
    }

    fn unsigned(&mut self, value: u32) {
        let bits = (value + 1).ilog2();
        self.number(bits, 0);
        self.number(bits + 1, value + 1);
    }

    fn signed(&mut self, value: i32) {
        self.unsigned(if value > 0 { value as u32 * 2 - 1 } else { value.unsigned_abs() * 2 });
    }

    /// As the payload of a unit: with the bytes that keep zeros apart.
    fn escaped(mut self) -> Vec<u8> {
        self.0.push(true);
        let (mut out, mut zeros) = (Vec::new(), 0);
        for bits in self.0.chunks(8) {
            let byte = bits
                .iter()
                .enumerate()
                .fold(0, |byte, (at, bit)| byte | u8::from(*bit) << (7 - at));
            if zeros == 2 && byte <= 3 {
                out.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            out.push(byte);
        }
        out
    }
}

#[derive(Clone, Debug)]
struct Set {
    profile: u32,
    chroma: u32,
    apart: bool,
    /// The scales of each list; a list may end early.
    lists: Option<Vec<Option<Vec<i32>>>>,
    order: u32,
    cycle: Vec<i32>,
    mbs: (u32, u32),
    frames: bool,
    crop: Option<[u32; 4]>,
}

impl Set {
    fn write(&self) -> Vec<u8> {
        let mut out = Bits::default();
        out.number(8, self.profile);
        out.number(16, 30);
        out.unsigned(0);
        if self.profile == 100 || self.profile == 244 {
            out.unsigned(self.chroma);
            if self.chroma == 3 {
                out.number(1, self.apart.into());
            }
            out.unsigned(0);
            out.unsigned(0);
            out.number(1, 0);
            out.number(1, self.lists.is_some().into());
            for (index, list) in
                self.lists.iter().flatten().take(if self.chroma == 3 { 12 } else { 8 }).enumerate()
            {
                out.number(1, list.is_some().into());
                let mut last = 8;
                for scale in list.iter().flatten().take(if index < 6 { 16 } else { 64 }) {
                    // The difference that is in the range of a signed byte.
                    out.signed((scale - last + 128).rem_euclid(256) - 128);
                    last = *scale;
                    if last == 0 {
                        break;
                    }
                }
            }
        }
        out.unsigned(4);
        out.unsigned(self.order);
        match self.order {
            0 => out.unsigned(4),
            1 => {
                out.number(1, 0);
                out.signed(-5);
                out.signed(70_000);
                out.unsigned(self.cycle.len() as u32);
                self.cycle.iter().for_each(|offset| out.signed(*offset));
            }
            _ => {}
        }
        out.unsigned(3);
        out.number(1, 0);
        out.unsigned(self.mbs.0 - 1);
        out.unsigned(self.mbs.1 - 1);
        out.number(1, self.frames.into());
        if !self.frames {
            out.number(1, 0);
        }
        out.number(1, 1);
        out.number(1, self.crop.is_some().into());
        self.crop.iter().flatten().for_each(|edge| out.unsigned(*edge));
        out.number(1, 0);
        [&[0x67][..], &out.escaped()].concat()
    }

    /// Table 6-1 and equations 7-19 to 7-22, said another way.
    fn size(&self) -> (u32, u32) {
        let high = self.profile == 100 || self.profile == 244;
        let (x, y) = match (high, self.chroma) {
            (false, _) | (true, 1) => (2, 2),
            (true, 2) => (2, 1),
            _ => (1, 1),
        };
        let fields = 2 - u32::from(self.frames);
        let [left, right, top, bottom] = self.crop.unwrap_or_default();
        (
            self.mbs.0 * 16 - x * (left + right),
            self.mbs.1 * 16 * fields - y * fields * (top + bottom),
        )
    }
}

fn set() -> impl Strategy<Value = Set> {
    // 16 or 64 of them, or fewer and a zero.
    let scales = (prop::collection::vec(1i32..256, 64..65), prop::option::of(0usize..64)).prop_map(
        |(mut scales, end)| {
            if let Some(end) = end {
                scales[end] = 0;
            }
            scales
        },
    );
    let lists = prop::collection::vec(prop::option::of(scales), 12..13);
    let profile = prop_oneof![Just(66u32), Just(77), Just(100), Just(244)];
    let shape = (1u32..260, 1u32..260).prop_map(|mbs| mbs);
    let crop = prop::option::of([0u32..2, 0u32..2, 0u32..2, 0u32..2]);
    (
        (profile, 0u32..4, any::<bool>(), prop::option::of(lists)),
        (0u32..3, prop::collection::vec(-99i32..99, 0..255)),
        (shape, any::<bool>(), crop),
    )
        .prop_map(|((profile, chroma, apart, lists), (order, cycle), (mbs, frames, crop))| {
            Set { profile, chroma, apart, lists, order, cycle, mbs, frames, crop }
        })
}

proptest! {
    #[test]
    fn the_size_of_any_set(set in set()) {
        let unit = set.write();
        prop_assert_eq!(avc::size(&unit), Some(set.size()));
        for end in 0..unit.len().saturating_sub(3) {
            let _ = avc::size(&unit[..end]);
        }
    }
}
