//! A track of each codec.

use proto::media::{AudioCodec, AudioTrack, VideoCodec, VideoTrack};

pub fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

fn video(codec: VideoCodec, config: &str) -> VideoTrack {
    VideoTrack::of(codec, &unhex(config)).unwrap()
}

pub fn avc() -> VideoTrack {
    video(
        VideoCodec::Avc,
        "01640028ffe1001b67640028acd940780227e5c044000003000400000300283c60c65801000668ebe3cb22c0fdf8f800",
    )
}

pub fn hevc() -> VideoTrack {
    video(
        VideoCodec::Hevc,
        "0122200000009000000000007bf000fcfdfafa00000f03200001001840010c01ffff22200000030090000003000003007b959809210001002c42010122200000030090000003000003007ba005120171c92365959a4932bc05a0200000030020000003032122000100074401c172b46240",
    )
}

pub fn av1() -> VideoTrack {
    video(VideoCodec::Av1, "81010c000a0b0000000cc5036900be0010")
}

pub fn vp9() -> VideoTrack {
    video(VideoCodec::Vp9, "010000000015820202020000")
}

fn audio(codec: AudioCodec, config: &str) -> AudioTrack {
    AudioTrack::of(codec, &unhex(config), 44_100, 2).unwrap()
}

pub fn aac() -> AudioTrack {
    audio(AudioCodec::Aac, "1210")
}

pub fn mp3() -> AudioTrack {
    audio(AudioCodec::Mp3, "")
}

pub fn opus() -> AudioTrack {
    audio(AudioCodec::Opus, "4f707573486561640102380144ac0000000000")
}

pub fn flac() -> AudioTrack {
    let info = "10001000000000000000 0ac442f000000000 00000000000000000000000000000000";
    audio(AudioCodec::Flac, &format!("664c614300000022{}", info.replace(' ', "")))
}

pub fn ac3() -> AudioTrack {
    AudioTrack::of_frame(AudioCodec::Ac3, &unhex("0b77480d0c402f84")).unwrap()
}

pub fn eac3() -> AudioTrack {
    AudioTrack::of_frame(AudioCodec::Eac3, &unhex("0b77037f3f87c000")).unwrap()
}
