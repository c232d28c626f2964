//! A zone that no connection reads from by itself: what is in it is looked up and listened to.

use broadcast::{Attachment, Batch, ChannelId, ReadLimits, RecordRef};
use rt::Io;

use crate::outlet::{Link, Outlet};
use crate::protocol::{Protocol, To};

/// The protocol of a zone without clients: there are followers of its channels, and whoever looks something up.
pub struct Clientless;

/// There is none.
#[derive(Clone, Copy)]
pub enum Never {}

impl Link for Never {
    fn io(&self) -> Io {
        match *self {}
    }

    fn wrote(&mut self, _: usize, _: bool) {
        match *self {}
    }
}

impl Protocol for Clientless {
    type Link = Never;
    type Reader = Never;
    type Channel = ();
    type Worker = ();
    type View<'b> = ();

    const TICK_MS: u64 = 500;
    const RETIRED_MS: u64 = 0;
    const DRAINS_GRADUALLY: bool = false;
    const BEGINS_INSIDE: bool = false;
    const BEHIND: ReadLimits = ReadLimits::DEFAULT;

    fn worker(_: &'static Attachment) {}

    fn view(_: &Batch<'_>, (): &(), _: impl FnOnce() -> u64) -> Result<(), u64> {
        Ok(())
    }

    fn view_long(_: &RecordRef, _: &[u8]) {}

    fn last((): &()) -> u64 {
        0
    }

    fn give(to: &mut To<'_, Self>, (): &mut ()) -> Result<(), u64> {
        match to.reader.own {}
    }

    fn lagged(to: &mut To<'_, Self>, _: u64) {
        match to.reader.own {}
    }

    fn send_away(outlet: &mut Outlet<Never>, (): &mut (), _: u32) {
        match outlet.link {}
    }

    fn tick<'c>(
        _: &'static Attachment,
        (): &mut (),
        _: impl Iterator<Item = (ChannelId, &'c mut ())>,
        _: bool,
    ) {
    }
}
