//! Files of fragments that become ordinary movies, and fragments again.

use super::tracks::*;
use mp4_atom::{Decode, Moov};
use proto::fmp4::{Roomy, Sample, Table, Walk, fragment, movie, movie_init, roomy, samples};

/// Pictures from 0 on, sound from 100 ticks on, with a gap in the sound behind its second fragment.
fn fragments() -> Vec<(u32, u64, Vec<Sample>)> {
    let pictures = |key| -> Vec<Sample> {
        let cts = |at: u32| if at.is_multiple_of(2) { 3600 } else { -3600 };
        let of = |at| Sample { size: 10 + at, duration: 3600, cts: cts(at), key: key && at == 0 };
        (0..5).map(of).collect()
    };
    let sounds: Vec<Sample> =
        (0..3).map(|_| Sample { size: 7, duration: 1024, cts: 0, key: true }).collect();
    vec![
        (1, 0, pictures(true)),
        (2, 100, sounds.clone()),
        (1, 18_000, pictures(false)),
        (2, 3172, sounds.clone()),
        (1, 36_000, pictures(true)),
        (2, 9000, sounds),
    ]
}

fn file(room: u32) -> Vec<u8> {
    let init = movie_init(Some(&avc()), Some(&aac())).unwrap();
    let mut out = roomy(&init, room).unwrap();
    out.resize(out.len() + room.max(8) as usize - 8, 0);
    for (number, (track, base, samples)) in fragments().into_iter().enumerate() {
        let data: Vec<u8> =
            (0..samples.iter().map(|it| it.size).sum()).map(|at| at as u8).collect();
        fragment(&mut out, number as u32 + 1, track, base, &samples, &data, false);
    }
    out
}

/// What is found: fragments' beginnings, the whole layout, and the tables.
fn found(file: &[u8]) -> (Vec<u64>, Roomy, [Table; 2]) {
    let mut walk = Walk::new(file.len() as u64);
    let (mut starts, mut tables) = (Vec::new(), <[Table; 2]>::default());
    while let Some((at, len)) = walk.wanted() {
        let rest = &file[at.min(file.len() as u64) as usize..];
        let Some(it) = walk.take(&rest[..rest.len().min(len)]) else { continue };
        let moof = &file[it.start as usize..it.end as usize];
        let size = u32::from_be_bytes(*moof.first_chunk().unwrap()) as usize;
        let (place, samples) = samples(&moof[..size]).unwrap();
        tables[it.track as usize - 1].add(it.base, it.start + place, &samples);
        starts.push(it.start);
    }
    (starts, walk.roomy().unwrap(), tables)
}

#[test]
fn samples_are_read_as_they_were_written() {
    for (track, base, wanted) in fragments() {
        let mut out = Vec::new();
        fragment(&mut out, 1, track, base, &wanted, &[], false);
        let moof = &out[..out.len() - 8];
        assert_eq!(samples(moof), Some((out.len() as u64, wanted)));
        for len in 0..moof.len() {
            assert_eq!(samples(&moof[..len]), None, "{len}");
        }
    }
    // One that says of each that it is like the others, and that they are many.
    let same = vec![Sample { size: 1, duration: 1, cts: 0, key: true }; 3];
    let mut out = Vec::new();
    fragment(&mut out, 1, 1, 0, &same, &[], false);
    let at = out.windows(4).position(|it| it == b"trun").unwrap() + 8;
    out[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(samples(&out[..out.len() - 8]), None);
}

#[test]
fn it_is_a_movie_or_fragments_by_one_box() {
    for room in [0, 8, 100, 5000] {
        let growing = file(room);
        let (starts, layout, tables) = found(&growing);
        assert_eq!(starts.len(), 6);
        assert_eq!(layout.room, starts[0]);
        let init = &growing[layout.init.0 as usize..layout.init.1 as usize];
        assert_eq!(init, movie_init(Some(&avc()), Some(&aac())).unwrap());
        let moov = movie(init, &tables).unwrap();
        let (at, end) = (layout.switch as usize, growing.len() as u64);
        let mut whole = growing.clone();
        let front = layout.front(moov.len() as u64, end);
        assert_eq!(front.is_some(), room == 5000);
        let head = match front {
            Some((place, rest)) => {
                let bytes = [&moov[..], &rest].concat();
                whole[place as usize..place as usize + bytes.len()].copy_from_slice(&bytes);
                assert_eq!(place + bytes.len() as u64, layout.room);
                layout.is_front().unwrap()
            }
            None => {
                whole.extend_from_slice(&moov);
                layout.is_behind(end)
            }
        };
        // Until then nothing has changed for who reads fragments; and then neither.
        assert_eq!(found(&whole).0, starts);
        let switch = &mut whole[at..at + head.len()];
        assert_eq!((&growing[at..at + head.len()], head.len()), (&layout.grows()[..], 16));
        switch.copy_from_slice(&head);
        assert_eq!(found(&whole), (starts, layout, tables));
        // The boxes of a movie: each once, and each up to the next.
        let (mut names, mut next) = (Vec::new(), 0);
        while next < whole.len() {
            let head = proto::mp4::head(&whole[next..]).unwrap();
            names.push(String::from_utf8_lossy(&head.name).into_owned());
            next += head.size.unwrap() as usize;
        }
        assert_eq!(next, whole.len());
        match room {
            5000 => assert_eq!(names, ["ftyp", "free", "moov", "free", "mdat"]),
            _ => assert_eq!(names, ["ftyp", "mdat", "moov"]),
        }
    }
}

#[test]
fn the_tables_tell_each_sample() {
    let growing = file(8);
    let (starts, layout, tables) = found(&growing);
    let init = &growing[layout.init.0 as usize..layout.init.1 as usize];
    let moov = Moov::decode(&mut &movie(init, &tables).unwrap()[..]).unwrap();
    assert!(moov.mvex.is_none());
    let [video, audio] = &moov.trak[..] else { panic!("two tracks") };
    // 15 pictures of 40 ms; sound until (9000 + 3072) / 48000.
    assert_eq!(moov.mvhd.duration, 600);
    assert_eq!((video.mdia.mdhd.duration, audio.mdia.mdhd.duration), (54_000, 11_972));
    let stbl = &video.mdia.minf.stbl;
    assert_eq!(stbl.stss.as_ref().unwrap().entries, [1, 11]);
    assert_eq!(stbl.ctts.as_ref().unwrap().entries.len(), 13);
    let places = stbl.stco.as_ref().unwrap().entries.clone();
    assert!(places.iter().zip([0, 2, 4]).all(|(place, at)| u64::from(*place) > starts[at]));
    for place in places {
        assert_eq!(growing[place as usize - 4..][..8], *b"mdat\x00\x01\x02\x03");
    }
    let stbl = &audio.mdia.minf.stbl;
    assert!(stbl.stss.is_none() && stbl.ctts.is_none());
    // The gap is the last sample's before it.
    let durations: Vec<_> =
        stbl.stts.entries.iter().map(|it| (it.sample_count, it.sample_delta)).collect();
    assert_eq!(durations, [(5, 1024), (1, 1024 + 9000 - 6244), (3, 1024)]);
    let edits = audio.edts.as_ref().unwrap().elst.as_ref().unwrap();
    assert_eq!(edits.entries.len(), 2);
    assert!(movie(&init[..init.len() - 1], &tables).is_none());
    assert!(movie(init, &Default::default()).is_none());
}
