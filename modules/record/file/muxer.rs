//! Frames become fragments: a run of each track is collected, and given as one.

use proto::flv::media::{Audio, Video, VideoCodec};
use proto::fmp4::{
    AUDIO_TRACK, Sample, VIDEO_TIMESCALE, VIDEO_TRACK, fragment_head, movie_init, picture,
};
use proto::media::{AudioClock, AudioTrack, VideoTrack};
use proto::rtmp::message;

/// Ticks of pictures.
pub const TICKS_PER_MS: u64 = VIDEO_TIMESCALE as u64 / 1000;

/// What is in a file.
#[derive(Clone, Debug, Default)]
pub struct Tracks {
    /// Pictures.
    pub video: Option<VideoTrack>,
    /// Sound.
    pub audio: Option<AudioTrack>,
}

impl Tracks {
    /// Whether a key frame is to tell the size of the pictures.
    pub fn lack_size(&self) -> bool {
        let is_sized_by_pictures = |track: &VideoTrack| track.codec == VideoCodec::Vp9;
        self.video.as_ref().is_some_and(|it| is_sized_by_pictures(it) && it.size == (0, 0))
    }

    /// Looks at a key frame.
    pub fn see_picture(&mut self, frame: &[u8]) {
        if let Some(track) = &mut self.video {
            track.see(frame);
        }
    }

    /// Pictures have this size, if their header does not tell it.
    pub fn set_size(&mut self, size: (u32, u32)) {
        if let Some(track) = self.video.as_mut().filter(|track| track.size == (0, 0)) {
            track.size = size;
        }
    }

    /// Ticks a second of the sound.
    pub fn scale(&self) -> u32 {
        self.audio.as_ref().map_or(1000, AudioTrack::timescale)
    }

    /// What stands before the fragments of a file with these. What MP4 has no place for is left out; `None`: nothing is left.
    pub fn head(&mut self) -> Option<Vec<u8>> {
        if self.video.as_ref().is_some_and(|track| movie_init(Some(track), None).is_none()) {
            self.video = None;
        }
        self.audio.take_if(|track| !has_place(track));
        movie_init(self.video.as_ref(), self.audio.as_ref())
    }
}

/// The pictures that a header is of.
pub fn picture_of(payload: &[u8]) -> Option<VideoTrack> {
    let video = Video::of(payload).filter(|it| it.header && it.track == 0)?;
    VideoTrack::of(video.codec, &payload[video.body..])
}

/// The sound that a header is of, or a frame of a codec without headers.
pub fn sound_of(payload: &[u8]) -> Option<AudioTrack> {
    let audio = Audio::of(payload).filter(|it| it.track == 0)?;
    let body = &payload[audio.body..];
    match audio.header {
        true => AudioTrack::of(audio.codec, body, audio.rate, audio.channels),
        false => AudioTrack::of_frame(audio.codec, body),
    }
}

/// Whether MP4 has a place for it.
fn has_place(sound: &AudioTrack) -> bool {
    movie_init(None, Some(sound)).is_some()
}

/// Frames of a track that are no fragment yet.
#[derive(Default)]
struct Run {
    base: u64,
    samples: Vec<Sample>,
    data: Vec<u8>,
    /// When the newest began.
    last: u64,
}

impl Run {
    fn add(&mut self, time: u64, sample: Sample) {
        match self.samples.last_mut() {
            Some(before) => before.duration = time.saturating_sub(self.last) as u32,
            None => self.base = time,
        }
        self.samples.push(sample);
        self.last = time;
    }

    /// The newest lasts until then.
    fn reaches(&mut self, time: u64) {
        if let Some(sample) = self.samples.last_mut() {
            sample.duration = time.saturating_sub(self.last) as u32;
        }
    }

    /// Where it ends, as far as that is known.
    fn end(&self) -> u64 {
        self.last + u64::from(self.samples.last().map_or(0, |sample| sample.duration))
    }

    fn clear(&mut self) {
        self.samples.clear();
        self.data.clear();
    }
}

/// What collects the frames of a file, which are given in the order of the stream.
pub struct Muxer {
    /// Its tracks.
    pub tracks: Tracks,
    pictures: Run,
    sounds: Run,
    clock: AudioClock,
    is_muted: bool,
}

/// A fragment that was made.
pub struct Made {
    /// Of which track.
    pub track: u32,
    /// When it begins and ends, in the track's ticks.
    pub time: (u64, u64),
    /// It is of the track by whose times the file is entered, and decoding can begin with it.
    pub enters: bool,
}

impl Muxer {
    /// Of a file with these tracks, whose sound begins or goes on as the clock says.
    pub fn new(tracks: Tracks, clock: AudioClock) -> Muxer {
        let (pictures, sounds) = (Run::default(), Run::default());
        Muxer { tracks, pictures, sounds, clock, is_muted: false }
    }

    /// Ticks a second of its sound.
    pub fn scale(&self) -> u64 {
        self.tracks.scale().into()
    }

    /// Whether nothing is collected.
    pub fn is_empty(&self) -> bool {
        self.pictures.samples.is_empty() && self.sounds.samples.is_empty()
    }

    /// Bytes of what is collected.
    pub fn len(&self) -> usize {
        self.pictures.data.len() + self.sounds.data.len()
    }

    /// How long that will be of this track when a frame comes at this time, in milliseconds; `None`: there is nothing of it.
    pub fn since(&self, is_video: bool, time: u32) -> Option<u64> {
        let (run, scale) = match is_video {
            true => (&self.pictures, u64::from(VIDEO_TIMESCALE)),
            false => (&self.sounds, self.scale()),
        };
        let passed = (u64::from(time) * scale / 1000).saturating_sub(run.base);
        (!run.samples.is_empty()).then(|| passed * 1000 / scale.max(1))
    }

    /// Whether this, a header or a frame, tells of sound that it has no track for, and MP4 has.
    pub fn is_other_sound(&self, payload: &[u8]) -> bool {
        sound_of(payload).is_some_and(|sound| match &self.tracks.audio {
            Some(own) => !own.is_same_as(&sound),
            None => has_place(&sound),
        })
    }

    /// There is no sound from now on.
    pub fn mute(&mut self) {
        self.is_muted = true;
    }

    /// Collects a frame.
    pub fn frame(&mut self, kind: u8, time: u32, payload: &[u8], key: bool) {
        match kind == message::VIDEO {
            true => self.picture(time, payload, key),
            false if self.is_muted => {}
            false => self.sound(time, payload),
        }
    }

    /// The last picture is shown until then.
    pub fn reaches(&mut self, time: u32) {
        self.pictures.reaches(u64::from(time) * TICKS_PER_MS);
    }

    /// The last picture is shown as long as the one before it.
    pub fn settle(&mut self) {
        if let [.., before, picture] = &mut self.pictures.samples[..] {
            picture.duration = before.duration;
        }
    }

    fn picture(&mut self, time: u32, payload: &[u8], key: bool) {
        let (Some(track), Some(video)) = (&self.tracks.video, Video::of(payload)) else { return };
        if video.header || video.metadata || video.end || video.track != 0 {
            return;
        }
        let size = picture(track, &payload[video.body..], &mut self.pictures.data);
        if size > 0 {
            // Ticks of a composition of 24 bits fit.
            let cts = video.composition.saturating_mul(TICKS_PER_MS as i32);
            let sample = Sample { size, duration: 0, cts, key };
            self.pictures.add(u64::from(time) * TICKS_PER_MS, sample);
        }
    }

    fn sound(&mut self, time: u32, payload: &[u8]) {
        let (Some(track), Some(audio)) = (&self.tracks.audio, Audio::of(payload)) else { return };
        let frame = &payload[audio.body..];
        let samples = track.samples(frame);
        if audio.header || audio.metadata || audio.end || audio.track != 0 || samples == 0 {
            return;
        }
        let begin = self.clock.at(time.into(), samples);
        self.sounds.data.extend_from_slice(frame);
        let size = frame.len() as u32;
        self.sounds.add(begin, Sample { size, duration: samples, cts: 0, key: true });
    }

    /// What is collected becomes fragments, which have this number and the next: each is given with what writes all that stands before
    /// its data, and with those, which may be taken away.
    pub fn emit(
        &mut self,
        sequence: &mut u32,
        mut put: impl FnMut(Made, &dyn Fn(&mut Vec<u8>), &mut Vec<u8>),
    ) {
        let leads_video = self.tracks.video.is_some();
        let runs = [(VIDEO_TRACK, &mut self.pictures), (AUDIO_TRACK, &mut self.sounds)];
        for (track, run) in runs {
            let Some(first) = run.samples.first() else { continue };
            let enters = (track == VIDEO_TRACK || !leads_video) && first.key;
            *sequence = sequence.wrapping_add(1);
            let (number, len) = (*sequence, run.data.len());
            let made = Made { track, time: (run.base, run.end()), enters };
            let (base, samples) = (run.base, &run.samples);
            let head = |out: &mut Vec<u8>| {
                fragment_head(out, number, track, base, samples, len, false);
            };
            put(made, &head, &mut run.data);
            run.clear();
        }
    }

    /// What is collected is no more.
    pub fn forget(&mut self) {
        self.pictures.clear();
        self.sounds.clear();
    }
}
