//! A player: a cursor in a stream's log, and a clock of its own.

use broadcast::MARK;

use crate::play::chunk_streams::ChunkStreams;
use crate::play::mux::Mux;
use crate::play::output::{self, At, OutputFormat};
use crate::play::status;
use crate::play::view::{Item, View};
use crate::play::write_batch::WriteBatch;
use crate::record::{
    self, CHANGE, CONTENTS, Change, HAS_AUDIO, HAS_VIDEO, HEADER, KEY, PROMISE_MS, PROMISED,
    REPEAT, SECOND_TRACK_MS, SETTLED,
};
use crate::settings::app::App;

/// A player's own state.
pub struct Player {
    /// Its application.
    pub app: &'static App,
    /// The message stream in which it gets everything.
    pub message_stream: u32,
    /// Where it is.
    pub state: PlayerState,
    /// Frames up to this seq are not for it, only what a decoder needs first.
    pub quiet_until: u64,
    /// The client takes audio.
    pub audio: bool,
    /// The client takes video.
    pub video: bool,
    /// The client has paused.
    pub paused: bool,
    /// What the header of its file is to tell.
    pub opening: Opening,
    /// What makes its file, if that is no FLV.
    pub mux: Option<Box<Mux>>,
    /// What it has got, and what it has not.
    pub counts: PlayerCounts,
}

/// What the header of a file is to tell of the stream's tracks, where the client has said so.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening {
    /// Whether there is sound.
    pub audio: Option<bool>,
    /// Whether there are pictures.
    pub video: Option<bool>,
}

impl Opening {
    /// Whether there is sound, and whether there are pictures; `None`: that is to be waited for. `age`: milliseconds
    /// since the first tag.
    fn tells(&self, contents: u32, age: u64) -> Option<(bool, bool)> {
        let has = |said: Option<bool>, bit| said.unwrap_or(contents & bit != 0);
        let said = self.audio.is_some() && self.video.is_some();
        let patience = if contents & PROMISED != 0 { PROMISE_MS } else { SECOND_TRACK_MS };
        let known = said || contents & SETTLED != 0 || age >= patience;
        match (has(self.audio, HAS_AUDIO), has(self.video, HAS_VIDEO)) {
            _ if !known => None,
            // A publisher of an older version tells nothing: what was always said, then.
            (false, false) => Some((true, true)),
            told => Some(told),
        }
    }
}

/// A player's figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlayerCounts {
    /// Messages that it has got.
    pub sent: u64,
    /// Messages that it was too slow for.
    pub dropped: u32,
    /// How often it was too slow.
    pub skips: u32,
}

impl PlayerCounts {
    /// Of so many messages of the stream that have passed it has got so many.
    pub fn passed(&mut self, all: u64, got: u64) {
        let missed = u32::try_from(all.saturating_sub(got)).unwrap_or(u32::MAX);
        self.dropped = self.dropped.saturating_add(missed);
    }
}

/// What changes with each message.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlayerState {
    /// The stream's number of the last record that it has seen, 0: none.
    pub number: u64,
    /// Which headers its decoder needs: bits of [`bit`].
    pub needs: u8,
    /// Those that it has got before the group at hand: of tracks there are several of a kind.
    pub had: u8,
    /// It has seen a mark: from there on the log is complete in itself.
    pub marked: bool,
    /// Video has begun.
    pub began: bool,
    /// What the header of its file tells is known.
    pub opened: bool,
    /// The stream's clock at its last message; `None`: it has got none.
    pub stream_time: Option<u32>,
    /// It has got a frame, with which its own clock begins.
    pub ticks: bool,
    /// Its own clock then, in milliseconds since its first frame.
    pub time: i64,
    /// Its own clock at the last message of each chunk stream.
    pub sent: [Option<u32>; 3],
}

impl PlayerState {
    /// One that begins.
    pub fn new() -> PlayerState {
        PlayerState { needs: ALL, ..PlayerState::default() }
    }

    /// Begins again somewhere else, its clock going on.
    pub fn skip(&mut self) {
        self.marked = false;
        self.restart();
    }

    /// Something was left out: decoding begins again, with headers and a key frame.
    pub fn restart(&mut self) {
        self.needs = ALL;
        self.began = false;
    }

    /// What a record says of those to come.
    pub fn see(&mut self, item: &Item) {
        self.marked |= item.flags & MARK != 0;
        if item.flags & CHANGE == 0 {
            if item.flags & REPEAT == 0 {
                // A group's headers are complete when something else comes.
                self.needs &= !std::mem::take(&mut self.had);
            }
        } else if item.head.event() == Some(Change::Began) {
            // Another publisher's clock: the player's own goes on.
            self.stream_time = None;
            self.began = false;
            // It sees the stream from its beginning: every header comes to it by itself.
            self.needs = 0;
        }
    }

    /// The player's own time of a message. What comes before the first frame may have any time: many
    /// send metadata at zero, wherever their clock is.
    pub fn clock(&mut self, stream_time: u32, is_frame: bool) -> u32 {
        if let Some(last) = self.stream_time.filter(|_| self.ticks) {
            self.time += i64::from(stream_time.wrapping_sub(last) as i32);
        }
        self.ticks |= is_frame;
        self.stream_time = Some(stream_time);
        self.time.max(0) as u32
    }
}

/// What a player and its connection are when a message has been sent.
#[derive(Clone, Copy)]
pub struct After {
    /// What the player has got.
    pub cursor: u64,
    /// The player.
    pub state: PlayerState,
    /// The connection.
    pub chunk_streams: ChunkStreams,
}

/// Where a player's messages are composed.
struct Output<'a> {
    /// The player's number.
    number: u32,
    batch: &'a mut WriteBatch<After>,
    chunk_streams: &'a mut ChunkStreams,
    /// What the header of FLV says of sound and pictures, if it is to be sent.
    opening: Option<(bool, bool)>,
}

impl Player {
    /// The client wants one kind of media, or does without.
    pub fn take_kind(&mut self, audio: bool, wanted: bool) {
        match audio {
            true => {
                self.audio = wanted;
                self.state.needs |= AUDIO;
            }
            false => {
                self.video = wanted;
                self.state.needs |= VIDEO;
                self.state.began = false;
            }
        }
    }

    /// The client goes on from another stream, its clock going on.
    pub fn go_on(&mut self, before: &Player) {
        self.state.time = before.state.time;
        self.state.sent = before.state.sent;
        (self.audio, self.video) = (before.audio, before.video);
    }

    /// Appends to the batch what of a view is for this player, which has got everything up to `cursor`.
    ///
    /// `contents` are the flags of the stream's newest record as far as they are known, and `now` is the zone's
    /// time. `false`: a player of FLV that does not know yet what to expect gets nothing, and stays where it is.
    pub fn compose(
        &self,
        view: &View<'_>,
        (number, cursor): (u32, u64),
        batch: &mut WriteBatch<After>,
        chunk_streams: &mut ChunkStreams,
        contents: u32,
        now: impl Fn() -> u64,
    ) -> bool {
        let mut state = self.state;
        let mut opening = None;
        if !state.opened && chunk_streams.format != OutputFormat::Rtmp {
            opening = self.tracks_to_come(view, contents, now);
            if opening.is_none() {
                return false;
            }
        }
        let mut out = Output { number, batch, chunk_streams, opening };
        for item in view.items.iter().filter(|item| item.seq > cursor) {
            self.compose_one(view, item, &mut state, &mut out);
            state.number = item.number;
            out.batch.end(After { cursor: item.seq, state, chunk_streams: *out.chunk_streams });
        }
        true
    }

    /// Whether the header of its file announces sound, and pictures; `None`: it is not known yet.
    pub fn tracks_to_come(
        &self,
        view: &View<'_>,
        contents: u32,
        now: impl Fn() -> u64,
    ) -> Option<(bool, bool)> {
        let last = view.items.last().map_or(0, |item| item.flags);
        let contents = (contents | last) & CONTENTS;
        let first = view.items.iter().find(|item| item.flags & CHANGE == 0);
        let age = first.map_or(u64::MAX, |item| {
            now().saturating_sub(item.time).saturating_sub(self.app.delay)
        });
        self.opening.tells(contents, age)
    }

    fn compose_one(
        &self,
        view: &View<'_>,
        item: &Item,
        state: &mut PlayerState,
        out: &mut Output<'_>,
    ) {
        let Output { number, batch, chunk_streams, opening } = out;
        state.see(item);
        if item.flags & CHANGE != 0 {
            if chunk_streams.format == OutputFormat::Rtmp {
                self.tell(item, chunk_streams.chunk_size(), batch);
            }
            return;
        }
        if !self.takes(item, state) {
            return;
        }
        let is_media = item.head.is_video() || item.head.is_audio();
        let time = state.clock(item.head.time, is_media && item.flags & HEADER == 0);
        match chunk_streams.format {
            OutputFormat::Rtmp => {
                chunk_streams.tell_chunk_size(item.head.chunk, batch);
                let slot = record::slot(item.head.csid);
                let mine = chunk_streams.take(slot, *number);
                let last = state.sent[slot].filter(|_| mine);
                let at = match last.map(|last| time.wrapping_sub(last)) {
                    Some(delta) if delta < 1 << 23 => At::Since(delta),
                    _ => At::Time(time),
                };
                output::rtmp(batch, view, item, self.message_stream, at);
                state.sent[slot] = Some(time);
            }
            OutputFormat::Http(_, framing) if output::is_tag(item.head.kind) => {
                if let Some((audio, video)) = opening.filter(|_| !state.opened) {
                    state.opened = true;
                    batch.own(|out| output::begin(out, framing, audio, video));
                }
                output::tag(batch, view, item, framing, time);
            }
            OutputFormat::Http(..) => {}
        }
    }

    /// Whether a message is for this player.
    pub fn takes(&self, item: &Item, state: &mut PlayerState) -> bool {
        let wanted = match (item.head.is_video(), item.head.is_audio()) {
            (true, _) => self.video,
            (_, true) => self.audio,
            _ => true,
        };
        if !wanted || self.paused {
            return false;
        }
        if item.flags & REPEAT != 0 {
            let needed = state.needs & bit(item);
            state.had |= needed;
            return needed != 0;
        }
        if item.flags & HEADER != 0 {
            return true;
        }
        if item.seq <= self.quiet_until {
            return false;
        }
        let media = item.head.is_video() || item.head.is_audio();
        if media && !state.marked && self.app.wait_key {
            return false;
        }
        if item.head.is_video() {
            if !state.began && self.app.wait_key && item.flags & KEY == 0 {
                return false;
            }
            state.began = true;
        } else if !state.began && self.app.wait_video && item.head.is_audio() {
            return false;
        }
        true
    }

    /// Tells an RTMP player what has happened to its stream.
    fn tell(&self, item: &Item, size: usize, batch: &mut WriteBatch<After>) {
        let stream = self.message_stream;
        match item.head.event() {
            Some(Change::Began) => batch.own(|out| status::began(out, size, self.app, stream)),
            Some(Change::Ended) => batch.own(|out| status::ended(out, size, self.app, stream)),
            Some(Change::Broke | Change::Resumed) | None => {}
        }
    }
}

/// Which header a record is, if it is one: of video, of audio, or metadata.
fn bit(item: &Item) -> u8 {
    match (item.head.is_video(), item.head.is_audio()) {
        (true, _) => VIDEO,
        (_, true) => AUDIO,
        _ => DATA,
    }
}

// The bits of headers, by what they are of.
const VIDEO: u8 = 1;
const AUDIO: u8 = 2;
const DATA: u8 = 4;
const ALL: u8 = VIDEO | AUDIO | DATA;

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: u32 = HAS_AUDIO | HAS_VIDEO;

    #[test]
    fn what_the_header_of_flv_tells() {
        let tells = |contents, age| Opening::default().tells(contents, age);
        assert_eq!(tells(HAS_VIDEO | SETTLED, 0), Some((false, true)));
        assert_eq!(tells(BOTH | SETTLED | PROMISED, 0), Some((true, true)));
        // A publisher that says no more: its records say nothing new, the time does.
        assert_eq!(tells(HAS_VIDEO, SECOND_TRACK_MS - 1), None);
        assert_eq!(tells(HAS_VIDEO, SECOND_TRACK_MS), Some((false, true)));
        assert_eq!(tells(HAS_AUDIO | PROMISED, SECOND_TRACK_MS), None);
        assert_eq!(tells(HAS_AUDIO | PROMISED, PROMISE_MS), Some((true, false)));
        // Records of a version that told nothing of tracks, after an upgrade.
        assert_eq!(tells(0, u64::MAX), Some((true, true)));
    }

    #[test]
    fn who_has_said_what_there_is_does_not_wait() {
        let said = Opening { audio: Some(true), video: Some(true) };
        assert_eq!(said.tells(0, 0), Some((true, true)));
        let sound = Opening { audio: Some(true), ..Opening::default() };
        assert_eq!(sound.tells(HAS_VIDEO, 0), None);
        assert_eq!(sound.tells(HAS_VIDEO | SETTLED, 0), Some((true, true)));
    }
}
