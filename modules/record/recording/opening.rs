//! Files are opened: by another thread, and with what is known of the stream.

use live::appender::Failed;
use proto::flv::recording::Description;
use proto::media::AudioTrack;

use crate::file::film::Film;
use crate::file::flv::Flv;
use crate::file::fmp4::{Fmp4, Tracks, picture_of, sound_of};
use crate::file::journal::{Entry, Journal};
use crate::file::name::escaped;
use crate::file::open::{Form, Found, How, Opened, begin};
use crate::recording::frame::{Frame, Header};
use crate::recording::held::What;
use crate::recording::note::{Begun, Last, Open};
use crate::recording::state::{Beginning, Mark, Phase, Recording, State, Why, Writing};
use crate::settings::Format;

/// A file that another still has is asked for again, and so often; if it is this recording's, it is taken then.
const AGAIN_MS: u64 = 100;
const TRIES: u32 = 20;

impl Recording {
    /// Has another thread open a file.
    pub fn open(&self, state: &mut State, beginning: Beginning) {
        let Some(me) = self.me.upgrade() else { return };
        let recorder = &self.recorder;
        let (journal, lock) = (Journal::clone(&recorder.journal), recorder.lock);
        let tracks = self.tracks(state, beginning.resumed.as_ref());
        let form = match recorder.format {
            Format::Flv => Form::Flv(recorder.index),
            Format::Fmp4 => match tracks.clone().head() {
                Some(head) => Form::Fmp4(head),
                None => return self.has_no_place(state),
            },
        };
        let (path, how, sole) =
            (beginning.path.clone(), beginning.how, !self.takes_over(state, &beginning));
        let entry = Entry {
            path: path.clone(),
            open: true,
            since: rt::wall().as_secs(),
            stream: escaped(&self.stream.name),
            ..Entry::default()
        };
        let (begun, scale) = (beginning.begun, tracks.audio.as_ref().map(AudioTrack::timescale));
        // What goes on behind what is there begins there.
        let behind = how == How::Append && !state.last.as_ref().is_some_and(|last| last.failed);
        state.phase = Phase::Opening(beginning);
        let job = rt::offload(move || {
            let opened = begin(&path, how, sole, &form)?;
            if lock {
                let locked = sys::lock::visible(&opened.file);
                live::appender::at("fcntl", locked)?;
            }
            let place = match &opened.found {
                Some(found) if behind => found.duration(scale),
                _ => begun.shift.into(),
            };
            let entry = Entry { began: vec![(place, begun.wall)], ..entry };
            let noted = journal.note(&opened.file, entry);
            Ok((opened, noted.map_err(|error| format!("{}: {error}", journal.path().display()))))
        });
        rt::spawn(async move {
            let opened = job.await;
            let state = &mut *me.state.borrow_mut();
            if !state.replaced {
                me.opened(state, opened);
                me.drain(state);
                me.stream.progress.note();
            }
        });
    }

    fn opened(&self, state: &mut State, opened: Result<(Opened, Result<(), String>), Failed>) {
        let phase = std::mem::replace(&mut state.phase, Phase::Idle);
        let Phase::Opening(beginning) = phase else { return };
        state.changed = true;
        match opened {
            Ok((opened, noted)) => {
                if let Err(why) = noted {
                    sys::log!(Error, "{} cannot note its file: {why}", self.label());
                }
                self.begun(state, beginning, opened);
            }
            Err(failed) if failed.is_busy() && beginning.tries < TRIES => {
                state.phase = Phase::Opening(Beginning { tries: beginning.tries + 1, ..beginning });
                let me = self.me.clone();
                rt::after(AGAIN_MS, move || {
                    let Some(me) = me.upgrade() else { return };
                    let state = &mut *me.state.borrow_mut();
                    if let Phase::Opening(beginning) = &state.phase
                        && !state.replaced
                    {
                        let beginning = beginning.clone();
                        me.open(state, beginning);
                    }
                });
            }
            Err(failed) => {
                let path = beginning.path.display().to_string();
                self.failed(state, &format!("\"{path}\": {failed}"));
                if beginning.resumed.is_some() {
                    // What was in it stays: the next one does not replace it.
                    state.last = Some(Last {
                        path: beginning.path,
                        begun: beginning.begun,
                        failed: true,
                        cut: false,
                    });
                }
            }
        }
    }

    /// Whether a file is opened although another has it: it is this recording's, and a process that stands still does not
    /// let it go.
    fn takes_over(&self, state: &State, beginning: &Beginning) -> bool {
        let is_last = state.last.as_ref().is_some_and(|last| last.path == beginning.path);
        beginning.tries >= TRIES && (beginning.resumed.is_some() || is_last)
    }

    fn begun(&self, state: &mut State, beginning: Beginning, opened: Opened) {
        let me = self.me.clone();
        let told = move || {
            let Some(me) = me.upgrade() else { return };
            let state = &mut *me.state.borrow_mut();
            if !state.replaced {
                me.wrote(state);
                me.drain(state);
                me.stream.progress.note();
            }
        };
        let (path, begun) = (beginning.path.clone(), beginning.begun);
        let resumed = beginning.resumed.clone();
        let (film, shift) = self.film(state, &beginning, opened, told);
        let begun = Begun { shift: if resumed.is_some() { begun.shift } else { shift }, ..begun };
        let (frames, has_key) = resumed.as_ref().map_or((0, false), |it| (it.frames, it.has_key));
        // By itself: what follows may find no room.
        film.appender().flush();
        let written = Mark { end: film.appender().written(), seq: state.done, frames, has_key };
        let now = rt::now();
        let path = path.to_string_lossy().into_owned();
        state.phase = Phase::Writing(Box::new(Writing {
            film,
            begun,
            has_key,
            frames,
            seq: state.done,
            marks: Default::default(),
            written,
            flushed_at: now,
            synced_at: now,
            told_moved: false,
        }));
        if std::mem::take(&mut state.is_failing) {
            sys::log!(Notice, "{} records again: \"{path}\"", self.label());
        }
        if resumed.is_none() {
            self.tell("record_start", &path, None, None);
        }
        if !state.wanted {
            self.end(state, Why::Stopped);
        }
    }

    /// The file, and what is added to its times.
    fn film(
        &self,
        state: &State,
        beginning: &Beginning,
        opened: Opened,
        told: impl Fn() + 'static,
    ) -> (Film, u32) {
        let Opened { file, found } = opened;
        let path = beginning.path.clone();
        // A file that was there goes on where its last frame is; ours after an error has its times.
        let is_ours = state.last.as_ref().is_some_and(|known| known.failed);
        let behind = |last: u64| match beginning.how {
            How::Append if !is_ours => u32::try_from(last + 1).unwrap_or(u32::MAX),
            _ => beginning.begun.shift,
        };
        if self.recorder.format == Format::Fmp4 {
            let mut tracks = self.tracks(state, beginning.resumed.as_ref());
            let head = tracks.head().unwrap_or_default();
            let found = match found {
                Some(Found::Fmp4(fragments)) => Some(fragments),
                _ => None,
            };
            let is_empty = found.is_none();
            let fmp4 = Fmp4::new(file, path, tracks, &head, found, told);
            let shift = if is_empty { 0 } else { behind(fmp4.duration()) };
            return (Film::Fmp4(Box::new(fmp4)), shift);
        }
        let walked = match found {
            Some(Found::Flv(walked)) => Some(walked),
            _ => None,
        };
        let is_new = walked.is_none();
        let shift = match walked.as_ref().and_then(|walked| walked.last) {
            Some(last) => behind(last.into()),
            None => 0,
        };
        let description = self.described(state);
        let has_video = beginning.resumed.as_ref().map(|open| open.tracks.0);
        let has_video = has_video.unwrap_or(description.video.is_some());
        let mut flv = match walked {
            None => Flv::create(file, path, &description, self.recorder.index, told),
            Some(walked) => Flv::go_on(file, path, walked, has_video, told),
        };
        if is_new || beginning.resumed.is_none() {
            let wanted = |header: &&Header| self.recorder.wants(header.is_video(), true);
            for header in state.headers.iter().filter(wanted) {
                flv.tag(header.kind, shift, &header.payload, false);
            }
        }
        (Film::Flv(flv), shift)
    }

    /// What is in the file, as far as it is known.
    fn described(&self, state: &State) -> Description {
        let mut description = state.description;
        if !self.recorder.has_video() {
            description.video = None;
        }
        if !self.recorder.what.audio {
            description.audio = None;
        }
        description
    }

    /// The tracks of a file that begins, or is resumed.
    fn tracks(&self, state: &State, resumed: Option<&Open>) -> Tracks {
        let has = resumed.map_or((true, true), |open| open.tracks);
        let has_video = has.0 && self.recorder.has_video();
        let has_audio = has.1 && self.recorder.what.audio;
        let (mut headers, mut tracks) = (state.headers.clone(), Tracks::default());
        for item in &state.held {
            let What::Message { kind, frame, payload, .. } = &item.what else { continue };
            match frame {
                Frame::Header => drop(headers.set(*kind, payload)),
                Frame::Media { video: false, .. } if has_audio && tracks.audio.is_none() => {
                    tracks.audio = sound_of(payload);
                }
                _ => {}
            }
        }
        for header in headers.iter() {
            match header.is_video() {
                true if has_video => tracks.video = picture_of(&header.payload).or(tracks.video),
                false if has_audio => tracks.audio = sound_of(&header.payload).or(tracks.audio),
                _ => {}
            }
        }
        tracks
    }

    fn has_no_place(&self, state: &mut State) {
        sys::log!(Error, "{}: there is nothing that MP4 has a place for", self.label());
        (state.phase, state.wanted) = (Phase::Idle, false);
        self.drain(state);
    }
}
