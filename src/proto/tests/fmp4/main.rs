//! Fragmented MP4, read back by another's reader.

mod files;
mod movies;
mod tracks;

use mp4_atom::{Codec, Decode, Ftyp, Moof, Moov, Prft, Styp};
use proptest::prelude::*;
use proto::fmp4::{Sample, audio_init, fragment, movie_init, prft, set_duration, styp, video_init};
use tracks::*;

/// The boxes of a head.
fn read(head: &[u8]) -> Moov {
    let mut rest = head;
    let ftyp = Ftyp::decode(&mut rest).unwrap();
    assert_eq!(ftyp.major_brand, b"iso6".into());
    let moov = Moov::decode(&mut rest).unwrap();
    assert!(rest.is_empty());
    moov
}

fn entry(head: &[u8]) -> Codec {
    let moov = read(head);
    assert_eq!((moov.trak.len(), moov.mvhd.duration), (1, 0));
    let mvex = moov.mvex.unwrap();
    assert!(mvex.mehd.is_none());
    let stbl = &moov.trak[0].mdia.minf.stbl;
    assert!(stbl.stts.entries.is_empty() && moov.trak[0].edts.is_none());
    assert_eq!((mvex.trex[0].track_id, stbl.stsd.codecs.len()), (moov.trak[0].tkhd.track_id, 1));
    stbl.stsd.codecs[0].clone()
}

#[test]
fn pictures() {
    let Codec::Avc1(avc1) = entry(&video_init(&avc()).unwrap()) else { panic!("no avc1") };
    assert_eq!((avc1.visual.width, avc1.visual.height), (1920, 1080));
    assert_eq!(
        (avc1.avcc.avc_profile_indication, avc1.avcc.sequence_parameter_sets.len()),
        (100, 1)
    );
    let Codec::Hvc1(hvc1) = entry(&video_init(&hevc()).unwrap()) else { panic!("no hvc1") };
    assert_eq!((hvc1.visual.width, hvc1.visual.height), (642, 362));
    assert_eq!(hvc1.hvcc.arrays.len(), 3);
    assert!(hvc1.hvcc.arrays.iter().all(|array| array.completeness));
    let Codec::Av01(av01) = entry(&video_init(&av1()).unwrap()) else { panic!("no av01") };
    assert_eq!((av01.visual.width, av01.av1c.config_obus.len()), (642, 13));
    let Codec::Vp09(vp09) = entry(&video_init(&vp9()).unwrap()) else { panic!("no vp09") };
    assert_eq!((vp09.vpcc.level, vp09.vpcc.bit_depth), (21, 8));
    // Where a width is too large to be told, the decoder knows.
    let mut huge = avc();
    huge.size = (u32::MAX, 70_000);
    let Codec::Avc1(avc1) = entry(&video_init(&huge).unwrap()) else { panic!("no avc1") };
    assert_eq!((avc1.visual.width, avc1.visual.height), (0, 0));
}

#[test]
fn sound() {
    let Codec::Mp4a(mp4a) = entry(&audio_init(&aac()).unwrap()) else { panic!("no mp4a") };
    let decoder = &mp4a.esds.es_desc.dec_config;
    assert_eq!((decoder.object_type_indication, decoder.stream_type), (0x40, 5));
    assert_eq!(decoder.dec_specific.as_ref().unwrap().raw, [0x12, 0x10]);
    assert_eq!((mp4a.audio.channel_count, mp4a.audio.sample_rate.integer()), (2, 44_100));
    let Codec::Mp4a(found) = entry(&audio_init(&mp3()).unwrap()) else { panic!("no mp4a") };
    assert_eq!(found.esds.es_desc.dec_config.object_type_indication, 0x6B);
    let Codec::Opus(found) = entry(&audio_init(&opus()).unwrap()) else { panic!("no Opus") };
    assert_eq!((found.dops.pre_skip, found.dops.input_sample_rate), (312, 44_100));
    let Codec::Flac(found) = entry(&audio_init(&flac()).unwrap()) else { panic!("no fLaC") };
    assert_eq!(found.dfla.blocks.len(), 1);
    let Codec::Ac3(found) = entry(&audio_init(&ac3()).unwrap()) else { panic!("no ac-3") };
    assert_eq!((found.dac3.bsid, found.dac3.acmod, found.dac3.bit_rate_code), (8, 1, 6));
    let Codec::Eac3(found) = entry(&audio_init(&eac3()).unwrap()) else { panic!("no ec-3") };
    assert_eq!(found.dec3.data_rate, 448);
    // Nothing has been heard of it yet.
    let unknown = proto::media::AudioTrack { config: Vec::new(), ..eac3() };
    assert_eq!(audio_init(&unknown), None);
    // A rate beyond what the entry can tell.
    let high = proto::media::AudioTrack { rate: 96_000, ..aac() };
    let moov = read(&audio_init(&high).unwrap());
    assert_eq!(moov.trak[0].mdia.mdhd.timescale, 96_000);
}

#[test]
fn a_file_has_both() {
    let mut head = movie_init(Some(&avc()), Some(&aac())).unwrap();
    let moov = read(&head);
    let tracks: Vec<_> =
        moov.trak.iter().map(|t| (t.tkhd.track_id, t.mdia.mdhd.timescale)).collect();
    assert_eq!(tracks, [(1, 90_000), (2, 44_100)]);
    assert!(set_duration(&mut head, 1 << 40));
    let mvex = read(&head).mvex.unwrap();
    assert_eq!((mvex.mehd.unwrap().fragment_duration, mvex.trex.len()), (1 << 40, 2));
    assert_eq!(movie_init(None, None), None);
    assert!(!set_duration(&mut video_init(&avc()).unwrap(), 5));
    for end in 0..head.len() {
        set_duration(&mut head[..end].to_vec(), 5);
    }
}

#[test]
fn the_time_on_the_wall() {
    let mut out = Vec::new();
    styp(&mut out);
    prft(&mut out, 2, 1_500, 1 << 40);
    let mut rest = &*out;
    Styp::decode(&mut rest).unwrap();
    let found = Prft::decode(&mut rest).unwrap();
    assert_eq!((found.reference_track_id, found.media_time, rest.len()), (2, 1 << 40, 0));
    assert_eq!(found.ntp_timestamp, 2_208_988_801 << 32 | 1 << 31);
}

/// The samples as a reader sees them, with what they have in common filled in.
fn samples(moof: &Moof) -> Vec<Sample> {
    let traf = &moof.traf[0];
    let run = &traf.trun[0].samples;
    let flags = |key: bool| if key { 0x0200_0000 } else { 0x0101_0000 };
    run.iter()
        .map(|sample| {
            let told = sample.flags.or(traf.tfhd.default_sample_flags).unwrap();
            assert_eq!(told, flags(told == flags(true)));
            Sample {
                size: sample.size.or(traf.tfhd.default_sample_size).unwrap(),
                duration: sample.duration.or(traf.tfhd.default_sample_duration).unwrap(),
                cts: sample.cts.unwrap_or(0) as i32,
                key: told == flags(true),
            }
        })
        .collect()
}

proptest! {
    #[test]
    fn fragments(
        sizes in prop::collection::vec(0..50u32, 0..20),
        durations: [bool; 20], times: [i8; 20], keys: [bool; 20],
        same: [bool; 4], only_first: bool, base: u64, track: u32, sequence: u32, first: bool,
    ) {
        let samples_in: Vec<_> = (0..sizes.len())
            .map(|at| Sample {
                size: if same[0] { 7 } else { sizes[at] },
                duration: if same[1] || durations[at] { 3000 } else { u32::MAX },
                cts: if same[2] { 0 } else { i32::from(times[at]) * 0x100_0000 },
                key: if same[3] { !only_first || at == 0 } else { keys[at] },
            })
            .collect();
        let len: u32 = samples_in.iter().map(|sample| sample.size).sum();
        let data: Vec<_> = (0..len).map(|at| at as u8).collect();
        let mut out = b"before".to_vec();
        fragment(&mut out, sequence, track, base, &samples_in, &data, first);
        let mut rest = &out[6..];
        if first {
            prop_assert_eq!(Styp::decode(&mut rest).unwrap().major_brand, b"msdh".into());
        }
        let start = out.len() - rest.len();
        let moof = Moof::decode(&mut rest).unwrap();
        prop_assert_eq!((moof.mfhd.sequence_number, moof.traf.len()), (sequence, 1));
        let traf = &moof.traf[0];
        prop_assert!(traf.tfhd.track_id == track && traf.tfhd.default_base_is_moof);
        prop_assert_eq!(traf.tfdt.as_ref().unwrap().base_media_decode_time, base);
        prop_assert_eq!(samples(&moof), samples_in);
        let place = start + traf.trun[0].data_offset.unwrap() as usize;
        prop_assert_eq!(&out[place..], &data);
        prop_assert_eq!(&out[place - 8..place - 4], &(8 + len).to_be_bytes());
    }
}
