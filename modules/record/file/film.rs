//! A file that is being recorded, whatever its form.

use live::appender::Appender;

use crate::file::flv::Flv;
use crate::file::fmp4::Fmp4;

/// A file.
pub enum Film {
    /// FLV.
    Flv(Flv),
    /// Fragmented MP4.
    Fmp4(Box<Fmp4>),
}

impl Film {
    /// Who writes it.
    pub fn appender(&self) -> &Appender {
        match self {
            Film::Flv(flv) => &flv.appender,
            Film::Fmp4(fmp4) => &fmp4.appender,
        }
    }

    /// A picture or a sound goes to its end. `true`: what was given before it is all in the file now, if it was not before.
    pub fn frame(&mut self, kind: u8, time: u32, payload: &[u8], key: bool) -> bool {
        match self {
            Film::Flv(flv) => {
                flv.tag(kind, time, payload, key);
                false
            }
            Film::Fmp4(fmp4) => fmp4.frame(kind, time, payload, key),
        }
    }

    /// A track has another header from now on. `false`: the file cannot have that.
    pub fn header(&mut self, kind: u8, time: u32, payload: &[u8]) -> bool {
        match self {
            Film::Flv(flv) => {
                flv.tag(kind, time, payload, false);
                true
            }
            Film::Fmp4(fmp4) => fmp4.has(kind, payload),
        }
    }

    /// Whether a frame of sound is of a track that the file has no place for.
    pub fn is_new_sound(&self, payload: &[u8]) -> bool {
        match self {
            Film::Flv(_) => false,
            Film::Fmp4(fmp4) => fmp4.is_new_sound(payload),
        }
    }

    /// There is no sound in it from now on.
    pub fn mute(&mut self) {
        if let Film::Fmp4(fmp4) = self {
            fmp4.mute();
        }
    }

    /// Whether all that was given is in the file, and nothing in memory.
    pub fn is_settled(&self) -> bool {
        match self {
            Film::Flv(_) => true,
            Film::Fmp4(fmp4) => fmp4.is_settled(),
        }
    }

    /// All that was given goes to the file.
    pub fn settle(&mut self) {
        if let Film::Fmp4(fmp4) = self {
            fmp4.settle();
        }
    }

    /// Has its head say what there is in it, all of which was settled. `last`: nothing comes after that; `sync`: see
    /// [`Fmp4::seal`].
    pub fn seal(&mut self, last: bool, sync: bool) {
        match self {
            Film::Flv(flv) => flv.seal(),
            Film::Fmp4(fmp4) => fmp4.seal(last, sync),
        }
    }

    /// After an error: it ends where it is whole.
    pub fn recover(&mut self) {
        if let Film::Fmp4(fmp4) = self {
            fmp4.forget();
        }
        self.appender().recover();
    }

    /// Bytes that it has.
    pub fn len(&self) -> u64 {
        match self {
            Film::Flv(flv) => flv.appender.len(),
            Film::Fmp4(fmp4) => fmp4.len(),
        }
    }

    /// From its beginning to the end of its last frame, in milliseconds.
    pub fn duration(&self) -> u64 {
        match self {
            Film::Flv(flv) => flv.duration(),
            Film::Fmp4(fmp4) => fmp4.duration(),
        }
    }

    /// Whether there are pictures in it, and sound.
    pub fn tracks(&self) -> (bool, bool) {
        match self {
            Film::Flv(flv) => (flv.has_video, true),
            Film::Fmp4(fmp4) => fmp4.tracks(),
        }
    }
}
