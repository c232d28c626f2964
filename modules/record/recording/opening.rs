//! Files are opened: by another thread, and with what is known of the stream.

use std::path::PathBuf;

use live::appender::Failed;
use proto::flv::recording::Description;
use proto::media::AudioTrack;
use proto::rtmp::message;

use crate::file::film::Film;
use crate::file::flv::Flv;
use crate::file::fmp4::{Fmp4, Head};
use crate::file::journal::{Entry, Journal};
use crate::file::muxer::{Tracks, picture_of, sound_of};
use crate::file::name::escaped;
use crate::file::open::{Form, Found, How, Opened, abandon, begin};
use crate::recording::frame::Header;
use crate::recording::held::What;
use crate::recording::note::{Begun, Last, Open};
use crate::recording::state::{Beginning, Mark, Phase, Recording, State, Why, Writing};
use crate::settings::{Format, Sync};

/// A file that another still has is asked for again, and so often; if it is this recording's, it is taken then.
const AGAIN_MS: u64 = 100;
const TRIES: u32 = 20;

/// A file that is about to be written.
struct Fresh {
    path: PathBuf,
    is_resumed: bool,
}

impl Recording {
    /// Has another thread open a file.
    pub fn open(&self, state: &mut State, beginning: Beginning) {
        let Some(me) = self.me.upgrade() else { return };
        let recorder = &self.recorder;
        let (journal, lock) = (Journal::clone(&recorder.journal), recorder.lock);
        let sync = recorder.sync != Sync::Off;
        let tracks = self.tracks(state, beginning.resumed.as_ref());
        let form = match recorder.format {
            Format::Flv => Form::Flv(recorder.index),
            Format::Fmp4 | Format::Mp4 => match self.head(&mut tracks.clone()) {
                Some(head) => Form::Fmp4(head.bytes),
                None => return self.has_no_place(state),
            },
        };
        let (path, how, sole) =
            (beginning.path.clone(), beginning.how, !self.takes_over(state, &beginning));
        let entry = Entry {
            open: true,
            since: rt::wall().as_secs(),
            stream: escaped(&self.stream.name),
            ..Entry::default()
        };
        let (begun, scale) = (beginning.begun, tracks.audio.as_ref().map(AudioTrack::timescale));
        // What goes on behind what is there begins there.
        let behind = how == How::Append && !state.last.as_ref().is_some_and(|last| last.failed);
        state.phase = Phase::Opening(beginning);
        let job = recorder.lane.offload(move || {
            let opened = begin(&path, how, sole, &form)?;
            if lock {
                let locked = sys::lock::visible(&opened.file);
                live::appender::at("fcntl", locked)?;
            }
            let place = match &opened.found {
                Some(found) if behind => found.duration(scale),
                _ => begun.shift.into(),
            };
            let (path, began) = (opened.path.clone(), vec![(place, begun.wall)]);
            let entry = Entry { path, began, ..entry };
            let noted = journal.note(&opened.file, entry, sync);
            Ok((opened, noted.map_err(|error| format!("{}: {error}", journal.path().display()))))
        });
        rt::spawn(async move {
            let opened = job.await;
            let made = opened.as_ref().ok().filter(|(opened, _)| opened.is_made);
            let made = made.map(|(opened, _)| (opened.file.clone(), opened.path.clone()));
            let begun = me.opened(&mut me.state.borrow_mut(), opened, tracks);
            if begun.is_some() {
                // Whoever takes over knows of it before anything is in it; if somebody has, it stays empty.
                me.stream.progress.note_now();
            }
            let state = &mut *me.state.borrow_mut();
            match (state.replaced, begun, made) {
                (false, begun, _) => me.go_on(state, begun),
                (true, _, Some((file, path))) => {
                    // It is to be gone before its lock is.
                    drop(me.recorder.lane.offload(move || abandon(&file, &path)));
                }
                _ => {}
            }
        });
    }

    /// With the file that was opened, or without one.
    fn go_on(&self, state: &mut State, begun: Option<Fresh>) {
        if let Some(begun) = begun {
            self.started(state, begun);
        }
        self.drain(state);
        self.stream.progress.note();
    }

    fn opened(
        &self,
        state: &mut State,
        opened: Result<(Opened, Result<(), String>), Failed>,
        tracks: Tracks,
    ) -> Option<Fresh> {
        let phase = std::mem::replace(&mut state.phase, Phase::Idle);
        let Phase::Opening(beginning) = phase else { return None };
        state.changed = true;
        match opened {
            Ok((opened, noted)) => {
                if let Err(why) = noted {
                    sys::log!(Error, "{} cannot note its file: {why}", self.label());
                }
                return Some(self.begun(state, beginning, opened, tracks));
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
        None
    }

    /// Whether a file is opened although another has it: it is this recording's, and a process that stands still does not
    /// let it go.
    fn takes_over(&self, state: &State, beginning: &Beginning) -> bool {
        let is_last = state.last.as_ref().is_some_and(|last| last.path == beginning.path);
        beginning.tries >= TRIES && (beginning.resumed.is_some() || is_last)
    }

    /// A file can be written. Nothing goes to it yet.
    fn begun(
        &self,
        state: &mut State,
        beginning: Beginning,
        opened: Opened,
        tracks: Tracks,
    ) -> Fresh {
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
        let beginning = Beginning { path: opened.path.clone(), ..beginning };
        let (path, begun) = (beginning.path.clone(), beginning.begun);
        let resumed = beginning.resumed.clone();
        let (mut film, shift) = self.film(state, &beginning, (opened, tracks), told);
        let begun = Begun { shift: if resumed.is_some() { begun.shift } else { shift }, ..begun };
        let (frames, has_key) = resumed.as_ref().map_or((0, false), |it| (it.frames, it.has_key));
        let is_stale = resumed.as_ref().is_some_and(|it| it.is_stale);
        film.appender().set_lane(&self.recorder.lane);
        if is_stale {
            film.mute();
        }
        let (end, seq) = (film.appender().written(), state.done);
        let written = Mark { end, seq, frames, has_key, is_stale };
        let now = rt::now();
        state.phase = Phase::Writing(Box::new(Writing {
            film,
            begun,
            has_key,
            is_stale,
            frames,
            seq: state.done,
            marks: Default::default(),
            written,
            flushed: end,
            synced_at: now,
            told_moved: false,
            is_noted: false,
        }));
        Fresh { path, is_resumed: resumed.is_some() }
    }

    /// It is known that the file is written by this process.
    fn started(&self, state: &mut State, Fresh { path, is_resumed }: Fresh) {
        if let Phase::Writing(writing) = &mut state.phase {
            // By itself: what follows may find no room.
            writing.film.appender().flush();
        }
        let path = path.to_string_lossy();
        if std::mem::take(&mut state.is_failing) {
            sys::log!(Notice, "{} records again: \"{path}\"", self.label());
        }
        if !is_resumed {
            self.tell("record_start", &path, None, None);
        }
        if !state.wanted {
            // What is held came before that was said.
            self.drain(state);
            self.end(state, Why::Stopped);
        }
    }

    /// The file, and what is added to its times.
    fn film(
        &self,
        state: &State,
        beginning: &Beginning,
        (opened, mut tracks): (Opened, Tracks),
        told: impl Fn() + 'static,
    ) -> (Film, u32) {
        let Opened { file, found, .. } = opened;
        let path = beginning.path.clone();
        // A file that was there goes on where its last frame is; ours after an error has its times.
        let is_ours = state.last.as_ref().is_some_and(|known| known.failed);
        let behind = |last: u64| match beginning.how {
            How::Append if !is_ours => u32::try_from(last + 1).unwrap_or(u32::MAX),
            _ => beginning.begun.shift,
        };
        if self.recorder.format != Format::Flv {
            let head = self.head(&mut tracks).unwrap_or_default();
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
        let headers = state.headers.iter().map(|header| (header.kind, &header.payload[..]));
        // Behind a change there may be what another publisher has.
        let held = state.held.iter().map_while(|item| match &item.what {
            What::Message { kind, payload, .. } => Some((*kind, &payload[..])),
            What::Change(_) => None,
        });
        let mut tracks = Tracks::default();
        // What is another than the first of its kind is of the next file.
        for (kind, payload) in headers.chain(held) {
            match kind {
                message::VIDEO if has_video && tracks.video.is_none() => {
                    tracks.video = picture_of(payload);
                }
                message::AUDIO if has_audio && tracks.audio.is_none() => {
                    tracks.audio = sound_of(payload);
                }
                _ => {}
            }
        }
        tracks.set_size(state.description.size);
        tracks
    }

    /// What a file of fragments of these begins with.
    fn head(&self, tracks: &mut Tracks) -> Option<Head> {
        let room = (self.recorder.format == Format::Mp4).then(|| self.recorder.room());
        Some(Head::of(tracks.head()?, room))
    }

    fn has_no_place(&self, state: &mut State) {
        if !std::mem::replace(&mut state.told_no_place, true) {
            sys::log!(Error, "{}: there is nothing that MP4 has a place for", self.label());
        }
        (state.phase, state.has_no_place) = (Phase::Idle, true);
        self.drain(state);
    }
}
