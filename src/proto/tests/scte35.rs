//! Sections of SCTE-35.

use proto::scte35::{Section, read};

/// A section with this command and these descriptors.
fn section(command: u8, body: &[u8], descriptors: &[u8]) -> Vec<u8> {
    let mut out = vec![0xFC, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, command];
    out.extend_from_slice(body);
    out.extend_from_slice(&(descriptors.len() as u16).to_be_bytes());
    out.extend_from_slice(descriptors);
    out.extend_from_slice(&[0; 4]);
    let len = (out.len() - 3) as u16;
    out[1..3].copy_from_slice(&(0x3000 | len).to_be_bytes());
    out
}

/// A descriptor of segmentation for the whole programme.
fn segmentation(event: u8, kind: u8, duration: Option<u32>) -> Vec<u8> {
    let mut out = b"CUEI".to_vec();
    out.extend_from_slice(&[0, 0, 0, event, 0x7F, if duration.is_some() { 0xFF } else { 0xBF }]);
    if let Some(duration) = duration {
        out.push(0);
        out.extend_from_slice(&duration.to_be_bytes());
    }
    out.extend_from_slice(&[8, 2, 1, 2, kind, 0, 0]);
    [&[2, out.len() as u8], &out[..]].concat()
}

fn said(event: u32, out: bool, duration: Option<u64>) -> Option<Section> {
    Some(Section { event: Some(event), out: Some(out), duration })
}

#[test]
fn splice_inserts() {
    let time = [0xFE, 0, 0, 0, 1];
    let duration = [0xFE, 0, 0x29, 0x32, 0xE0];
    let insert = |flags: u8, rest: &[&[u8]]| {
        read(&section(5, &[&[0, 0, 0, 9, 0x7F, flags], &rest.concat()[..]].concat(), &[]))
    };
    let tail: &[u8] = &[0, 1, 0, 0];
    assert_eq!(insert(0xEF, &[&time, &duration, tail]), said(9, true, Some(30_000)));
    assert_eq!(insert(0xFF, &[&duration, tail]), said(9, true, Some(30_000)), "at once");
    assert_eq!(insert(0x4F, &[&time, tail]), said(9, false, None));
    assert_eq!(insert(0x4F, &[&[0x7F], tail]), said(9, false, None), "no time");
    let components = [2, 1, 0xFE, 0, 0, 0, 1, 2, 0x7F];
    assert_eq!(insert(0xAF, &[&components, &duration, tail]), said(9, true, Some(30_000)));
    let cancelled = read(&section(5, &[0, 0, 0, 9, 0xFF], &[]));
    assert_eq!(cancelled, Some(Section { event: Some(9), ..Section::default() }));
}

#[test]
fn time_signals() {
    let time = [0xFE, 0, 0, 0, 1];
    let signal = |descriptors: &[Vec<u8>]| read(&section(6, &time, &descriptors.concat()));
    let start = segmentation(1, 0x34, Some(90_000));
    let end = segmentation(2, 0x35, None);
    let other = vec![0, 4, b'C', b'U', b'E', b'I'];
    assert_eq!(signal(&[other.clone(), start.clone()]), said(1, true, Some(1000)));
    assert_eq!(signal(std::slice::from_ref(&end)), said(2, false, None));
    assert_eq!(signal(&[end, start]), said(1, true, Some(1000)), "one ends, the next begins");
    for kind in [0x10, 0x20, 0x40, 0x50] {
        assert_eq!(signal(&[segmentation(1, kind, None)]), Some(Section::default()), "{kind:x}");
    }
    assert_eq!(signal(&[other]), Some(Section::default()));
}

#[test]
fn what_is_no_section_or_says_nothing() {
    let good = section(5, &[0, 0, 0, 9, 0x7F, 0xDF, 0, 1, 0, 0], &[]);
    assert!(read(&good).is_some_and(|section| section.out == Some(true)));
    for len in 0..good.len() {
        assert_eq!(read(&good[..len]), None, "{len}");
    }
    assert_eq!(read(&[&good[..], &[0]].concat()), None, "something is behind it");
    let mut other = good.clone();
    other[0] = 0xFB;
    assert_eq!(read(&other), None);
    let mut encrypted = good.clone();
    encrypted[4] |= 0x80;
    assert_eq!(read(&encrypted), Some(Section::default()));
    for at in 0..good.len() {
        for value in 0..=255 {
            let mut damaged = good.clone();
            damaged[at] = value;
            let _ = read(&damaged);
        }
    }
    let signal = section(6, &[0xFE, 0, 0, 0, 1], &segmentation(1, 0x34, Some(1)));
    for at in 0..signal.len() {
        for value in 0..=255 {
            let mut damaged = signal.clone();
            damaged[at] = value;
            let _ = read(&damaged);
        }
    }
}
