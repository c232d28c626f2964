//! Players whose file is no FLV: what is for them goes through a mux of their own.
//!
//! It cannot take back what it has made, so all of that is kept until it is sent: no more than so many bytes, and what came
//! of one message.

use std::borrow::Cow;
use std::io::IoSlice;

use crate::play::link::Outlet;
use crate::play::mux::{End, Media};
use crate::play::output;
use crate::play::player::Player;
use crate::play::view::{Item, View};
use crate::record::{CHANGE, Change, HEADER};

/// What goes out with one write, at least.
const MOST: usize = 64 << 10;

/// What a player has got of a view.
pub struct Muxed {
    /// Up to where.
    pub cursor: u64,
    /// Records that it has seen, whatever came of them.
    pub records: u64,
    /// Its file ends here, since it holds no more.
    pub end: Option<End>,
    /// Its file ends here, since the stream does.
    pub ended: bool,
}

/// Writes a piece of the file; what is not taken waits on the connection. Gives how many bytes went out.
pub fn send(outlet: &mut Outlet, piece: &[u8]) -> usize {
    if piece.is_empty() {
        return 0;
    }
    let framing = outlet.link.chunk_streams.format.framing();
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    output::open(&mut head, framing, piece.len());
    output::close(&mut tail, framing);
    let sent = outlet.write(&[&head, piece, &tail].map(IoSlice::new));
    let (mut passed, mut rest) = (sent, Vec::new());
    for part in [&head, piece, &tail] {
        rest.extend_from_slice(&part[passed.min(part.len())..]);
        passed = passed.saturating_sub(part.len());
    }
    outlet.unsent = rest;
    sent
}

impl Player {
    /// Appends what a view has for a player that has got everything up to `cursor`: not all of it, if that is long. `None`: it
    /// does not know yet what to expect, and stays where it is.
    pub fn make_file(
        &mut self,
        view: &View<'_>,
        cursor: u64,
        contents: u32,
        now: impl Fn() -> u64,
        out: &mut Vec<u8>,
    ) -> Option<Muxed> {
        let mut state = self.state;
        // What stands before the first message tells nothing of the tracks.
        let opening = match state.opened {
            true => None,
            false => Some(self.tracks_to_come(view, contents, now)?),
        };
        let mut muxed = Muxed { cursor, records: 0, end: None, ended: false };
        for item in view.items.iter().filter(|item| item.seq > cursor) {
            state.see(item);
            muxed.cursor = item.seq;
            muxed.records += 1;
            state.number = item.number;
            let takes = item.flags & CHANGE == 0 && self.takes(item, &mut state);
            let mux = self.mux.as_mut()?;
            if item.flags & CHANGE != 0 {
                mux.flush(out);
                let over = mux.has_begun() || !self.app.idle_streams;
                muxed.ended |= over && item.head.event() == Some(Change::Ended);
            } else if takes && (item.head.is_video() || item.head.is_audio()) {
                if let Some((audio, video)) = opening.filter(|_| !state.opened) {
                    state.opened = true;
                    mux.expect(audio, video);
                }
                state.clock(item.head.time, item.flags & HEADER == 0);
                let payload = payload(view, item);
                let time = state.time.max(0) as u64;
                let media = Media { kind: item.head.kind, time, payload: &payload };
                muxed.end = mux.take(&media, out).err();
            }
            if out.len() >= MOST || muxed.ended || muxed.end.is_some() {
                break;
            }
        }
        self.state = state;
        Some(muxed)
    }
}

fn payload<'b>(view: &View<'b>, item: &Item) -> Cow<'b, [u8]> {
    match &view.whole[item.whole.clone()] {
        [] => Cow::Borrowed(&[]),
        [whole] => Cow::Borrowed(*whole),
        pieces => Cow::Owned(pieces.concat()),
    }
}
