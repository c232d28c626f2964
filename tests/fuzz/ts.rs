//! Transport streams: hostile frames, packets as they have to be.

use crate::media::{Input, audio, video};
use proto::ts::{Continuity, Muxer, PACKET};

/// Tracks, then frames: see `Input`. Whatever they are, packets are whole, counters go on, and a PES packet is as long as it says.
pub fn ts(data: &[u8]) {
    let mut input = Input(data);
    let (video, audio) = (video(&mut input), audio(&mut input));
    let continuity = Continuity { video: 9, audio: 77, ..Continuity::default() };
    let Some(mut muxer) = Muxer::new(video.as_ref(), audio.as_ref(), continuity) else { return };
    let (mut out, mut counters) = (Vec::new(), [0, 0, 9, 77 & 15]);
    while let Some(frame) = input.frame() {
        out.clear();
        match frame.kind & 3 {
            0 => muxer.begin_segment(&mut out),
            1 => muxer.audio(&mut out, &[frame.bytes, frame.bytes, data], frame.time),
            2 => muxer.audio(&mut out, &vec![frame.bytes; 200], frame.time),
            _ => muxer.video(&mut out, frame.bytes, frame.time, frame.offset, frame.kind & 4 == 0),
        }
        read(&out, &mut counters);
        muxer = Muxer::new(video.as_ref(), audio.as_ref(), muxer.continuity()).expect("the same");
    }
}

fn read(out: &[u8], counters: &mut [u8; 4]) {
    let (packets, rest) = out.as_chunks::<PACKET>();
    assert!(rest.is_empty());
    // What a PES packet has told of its length, and what has come of it.
    let mut open: Option<(usize, usize)> = None;
    for packet in packets {
        assert_eq!(packet[0], 0x47);
        let which = match u16::from_be_bytes([packet[1] & 0x1F, packet[2]]) {
            0 => 0,
            0x1000 => 1,
            0x100 => 2,
            pid => 3 + usize::from(pid - 0x101),
        };
        assert_eq!(packet[3] & 15, counters[which]);
        counters[which] = (counters[which] + 1) & 15;
        let at = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
        let payload = &packet[at..];
        assert!(!payload.is_empty());
        if which < 2 {
            continue;
        }
        if packet[1] & 0x40 != 0 {
            finish(open.take());
            assert_eq!(payload[..3], [0, 0, 1]);
            open = Some((u16::from_be_bytes([payload[4], payload[5]]).into(), payload.len()));
        } else {
            open.as_mut().expect("a beginning").1 += payload.len();
        }
    }
    finish(open);
}

fn finish(pes: Option<(usize, usize)>) {
    assert!(pes.is_none_or(|(told, len)| told == 0 || told + 6 == len));
}
