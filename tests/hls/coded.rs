//! Films of codecs that FLV has no number for, made by ffmpeg and published by Enhanced RTMP.

use std::process::Command;

use proto::rtmp::message;
use support::{Server, media, process};

use crate::client::Client;

/// A codec: the encoder that makes it, its FourCC, and the box of MP4 that has its sequence header; empty: frames tell.
#[derive(Clone, Copy, Debug)]
pub struct Codec {
    pub encoder: &'static str,
    pub four: &'static str,
    header: &'static str,
}

const fn codec(encoder: &'static str, four: &'static str, header: &'static str) -> Codec {
    Codec { encoder, four, header }
}

pub const HEVC: Codec = codec("libx265", "hvc1", "hvcC");
pub const AV1: Codec = codec("libsvtav1", "av01", "av1C");
pub const VP9: Codec = codec("libvpx-vp9", "vp09", "vpcC");
pub const OPUS: Codec = codec("libopus", "Opus", "dOps");
pub const FLAC: Codec = codec("flac", "fLaC", "dfLa");
pub const MP3: Codec = codec("libmp3lame", ".mp3", "");
pub const AC3: Codec = codec("ac3", "ac-3", "");
pub const EAC3: Codec = codec("eac3", "ec-3", "");

impl Codec {
    /// The sequence header, out of a file's box.
    fn header(&self, file: &[u8]) -> Option<Vec<u8>> {
        let name = self.header.as_bytes();
        if name.is_empty() {
            return None;
        }
        let at = file.windows(4).rposition(|four| four == name).expect("a configuration");
        let size = u32::from_be_bytes(file[at - 4..at].try_into().expect("a size")) as usize;
        let content = &file[at + 4..at - 4 + size];
        Some(match self.four {
            // RFC 7845 §5.1 has in little-endian order what the box has in big-endian order.
            "Opus" => {
                let &[_, channels, skip_1, skip_0, r3, r2, r1, r0, gain_1, gain_0, family, ..] =
                    content
                else {
                    panic!("a short dOps: {content:?}");
                };
                let rest = [1, channels, skip_0, skip_1, r0, r1, r2, r3, gain_0, gain_1, family];
                [&b"OpusHead"[..], &rest].concat()
            }
            "fLaC" => [&b"fLaC"[..], &content[4..]].concat(),
            _ => content.to_vec(),
        })
    }
}

/// A film: the file that ffmpeg has made, and its messages.
pub struct Coded {
    pub path: String,
    pub messages: Vec<(u8, u32, Vec<u8>)>,
}

/// A frame of a file, its times in seconds.
struct Frame<'b> {
    dts: f64,
    pts: f64,
    key: bool,
    data: &'b [u8],
}

/// The frames of the n-th track.
fn frames<'b>(path: &str, track: usize, bytes: &'b [u8]) -> Vec<Frame<'b>> {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-select_streams", &track.to_string(), "-show_entries"]);
    let output = process::run(ffprobe.args([
        "packet=pts_time,dts_time,size,pos,flags",
        "-of",
        "csv=p=0",
        path,
    ]));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let frame = |line: &str| {
        let words: Vec<&str> = line.split(',').collect();
        let number = |word: &str| word.parse::<f64>().expect("a number");
        let (size, at) = (number(words[2]) as usize, number(words[3]) as usize);
        let key = words[4].starts_with('K');
        Frame { pts: number(words[0]), dts: number(words[1]), key, data: &bytes[at..at + size] }
    };
    text.lines().filter(|line| !line.is_empty()).map(frame).collect()
}

impl Coded {
    /// So many seconds; a key frame a second.
    #[track_caller]
    pub fn by(seconds: u32, tracks: &[Codec]) -> Coded {
        let is_video = |codec: &Codec| [HEVC, AV1, VP9].iter().any(|it| it.four == codec.four);
        let mut words = String::new();
        for codec in tracks {
            words += &match is_video(codec) {
                true => format!("-f lavfi -i testsrc=size=320x180:rate=25:duration={seconds} "),
                false => {
                    format!("-f lavfi -i sine=frequency=440:sample_rate=48000:duration={seconds} ")
                }
            };
        }
        for (number, codec) in tracks.iter().enumerate() {
            words += &format!("-map {number} -c:{number} {} ", codec.encoder);
        }
        words += "-pix_fmt yuv420p -ac 2 -g 25 -x265-params log-level=none:keyint=25 -svtav1-params keyint=25 \
             -deadline realtime -cpu-used 8 -strict -2 ";
        let words: Vec<&str> = words.split_whitespace().collect();
        let path = media("mp4", &words).display().to_string();
        let bytes = std::fs::read(&path).expect("a file");
        let read = |track: usize| frames(&path, track, &bytes);
        let all: Vec<Vec<Frame<'_>>> = (0..tracks.len()).map(read).collect();
        let (mut headers, mut messages) = (Vec::new(), Vec::new());
        for (codec, frames) in tracks.iter().zip(&all) {
            let four = codec.four.as_bytes();
            // Both begin with the first picture: sound before it is in no segment.
            let first = frames.first().map_or(0.0, |frame| frame.dts);
            let ms = |time: f64| ((time - first) * 1000.0).round() as u32;
            let kind = if is_video(codec) { message::VIDEO } else { message::AUDIO };
            if let Some(header) = codec.header(&bytes) {
                headers.push((kind, 0, [&[0x90][..], four, &header].concat()));
            }
            for frame in frames {
                // Sound has no kinds of frames: its format, 9, looks like those of key frames.
                let head = [if frame.key || kind == message::AUDIO { 0x91 } else { 0xA1 }];
                let cts = (ms(frame.pts) as i32 - ms(frame.dts) as i32).to_be_bytes();
                let cts = if codec.four == "hvc1" { &cts[1..] } else { &[] };
                let payload = [&head[..], four, cts, frame.data].concat();
                messages.push((kind, ms(frame.dts), payload));
            }
        }
        messages.sort_by_key(|(_, time, _)| *time);
        Coded { path, messages: [headers, messages].concat() }
    }

    /// Publishes all of it, as fast as it is taken.
    pub fn publish(&self, server: &Server, name: &str) -> Client {
        let mut client = Client::publisher(server, name);
        for (kind, time, payload) in &self.messages {
            match *kind {
                message::VIDEO => client.video(*time, payload),
                _ => client.audio(*time, payload),
            }
        }
        client.sync();
        client
    }
}
