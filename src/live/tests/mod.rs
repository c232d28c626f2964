//! A hub with a protocol of its own: a record is a line that every reader gets as it is, and one that begins with `!`
//! and a reader's name panics when it is given to that reader.

mod appender;
mod delivery;
mod panics;

use std::cell::Cell;
use std::io::IoSlice;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use broadcast::{
    Attachment, Attributes, Batch, ChannelId, From, ReadLimits, RecordRef, Shape, Zone,
};
use rt::{Io, Pulse, Socket};
use shm::Region;

use crate::{Hub, Link, Outlet, Protocol, Reader, To};

struct Lines;

/// The rest of a record that was begun is kept, as RTMP does it; one of which nothing was taken comes again.
struct Line {
    io: Io,
}

impl Link for Line {
    fn io(&self) -> Io {
        self.io
    }

    fn wrote(&mut self, _: usize, _: bool) {}
}

thread_local! {
    /// Looks at batches.
    static VIEWS: Cell<usize> = const { Cell::new(0) };
    /// Records that readers were given.
    static GIVEN: Cell<usize> = const { Cell::new(0) };
    /// What readers have lost.
    static LAGGED: Cell<usize> = const { Cell::new(0) };
    /// For how long the records of a channel are collected.
    static COLLECTS: Cell<u64> = const { Cell::new(0) };
}

impl Protocol for Lines {
    type Link = Line;
    /// Its name.
    type Reader = u8;
    type Channel = ();
    type Worker = ();
    type View<'b> = Vec<(u64, Vec<u8>)>;

    const TICK_MS: u64 = 1000;
    const RETIRED_MS: u64 = 0;
    const DRAINS_GRADUALLY: bool = true;
    const BEGINS_INSIDE: bool = false;
    const BEHIND: ReadLimits = ReadLimits::DEFAULT;

    fn worker(_: &'static Attachment) {}

    fn view<'b>(
        batch: &'b Batch<'_>,
        (): &(),
        _: impl FnOnce() -> u64,
    ) -> Result<Self::View<'b>, u64> {
        VIEWS.set(VIEWS.get() + 1);
        let bytes = |record: &RecordRef| {
            let mut bytes = Vec::new();
            batch.copy(record, &mut bytes);
            (record.seq, bytes)
        };
        Ok(batch.records().iter().filter(|record| record.is_whole()).map(bytes).collect())
    }

    fn view_long<'b>(record: &'b RecordRef, bytes: &'b [u8]) -> Self::View<'b> {
        vec![(record.seq, bytes.to_vec())]
    }

    fn last(view: &Self::View<'_>) -> u64 {
        view.last().map_or(0, |(seq, _)| *seq)
    }

    fn give(to: &mut To<'_, Self>, view: &mut Self::View<'_>) -> Result<(), u64> {
        let cursor = to.reader.cursor;
        for (seq, bytes) in view.iter().filter(|(seq, _)| *seq > cursor) {
            assert!(bytes[..2.min(bytes.len())] != [b'!', to.reader.own], "as it was asked for");
            let sent = match to.outlet.unsent.is_empty() && !bytes.is_empty() {
                true => to.outlet.write(&[IoSlice::new(bytes)]),
                false => 0,
            };
            if sent == 0 && !bytes.is_empty() {
                return Ok(());
            }
            GIVEN.set(GIVEN.get() + 1);
            to.outlet.unsent.extend_from_slice(&bytes[sent..]);
            to.reader.cursor = *seq;
            to.counts.records += 1;
        }
        Ok(())
    }

    fn lagged(to: &mut To<'_, Self>, upto: u64) {
        LAGGED.set(LAGGED.get() + 1);
        (to.reader.cursor, to.reader.told) = (upto, upto);
    }

    fn collects((): &()) -> u64 {
        COLLECTS.get()
    }

    fn send_away(outlet: &mut Outlet<Line>, (): &mut (), _: u32) {
        outlet.end();
    }

    fn tick<'c>(
        _: &'static Attachment,
        (): &mut (),
        _: impl Iterator<Item = (ChannelId, &'c mut ())>,
        _: bool,
    ) {
    }
}

/// A worker with a zone in memory, and clients at the other ends of socket pairs.
struct Bench {
    zone: &'static Zone,
    hub: &'static Hub<Lines>,
}

/// A client, and its connection's number in the hub.
struct Client {
    /// Ours, to be closed with this.
    _conn: Socket,
    theirs: Socket,
    outlet: u32,
    /// Its first reader.
    reader: u32,
}

fn bench(size: usize) -> Bench {
    rt::create(rt::Config { slots: 64, multi_accept: false }).expect("a loop");
    let counted = size / 512;
    let shape = Shape { block_size: 1024, rows: 8, channels: 64, readers: 0, counted };
    let region = Region::create("test", size).expect("memory");
    let zone: &'static Zone =
        Box::leak(Box::new(Zone::format(region.into(), shape).expect("a zone")));
    Bench { zone, hub: Hub::start(zone.attach().expect("a row"), None).expect("a hub") }
}

impl Bench {
    fn publish(&self, channel: &str, line: &[u8]) {
        let attributes = Attributes::default();
        self.zone.append(channel.as_bytes(), &attributes, |_, _| {}, &[line]).expect("appended");
    }

    fn connect(&self, name: u8, names: &[&str], prefixes: &[&str]) -> Client {
        let (conn, theirs) = rt::pair().expect("a pair");
        let outlet = self.hub.add_outlet(Outlet::new(Line { io: rt::Io::new(*conn) }));
        let reader = self.read(outlet, name, names, prefixes);
        Client { _conn: conn, theirs, outlet, reader }
    }

    /// One more reader on a connection.
    fn read(&self, outlet: u32, name: u8, names: &[&str], prefixes: &[&str]) -> u32 {
        let bytes = |names: &[&str]| -> Vec<Vec<u8>> {
            names.iter().map(|name| name.as_bytes().to_vec()).collect()
        };
        let (membership, _) = self.hub.join(&bytes(names), &bytes(prefixes));
        let reader = Reader::new(membership, self.zone.newest(), 0, name);
        self.hub.add_reader(outlet, reader, From::Cursor)
    }

    /// One turn of the loop, guarded as the loop guards it. `false`: it has panicked.
    fn turn(&self) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.hub.beat())).is_ok()
    }

    /// Turns until there is nothing to do.
    fn settle(&self) {
        for _ in 0..100 {
            self.turn();
            if self.hub.may_sleep() {
                return self.hub.awake();
            }
        }
        panic!("there is always something to do");
    }

    /// What a client has got since it was asked last.
    fn got(&self, client: &Client) -> Vec<u8> {
        let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = client.theirs.read(&mut buffer) {
            all.extend_from_slice(&buffer[..count]);
        }
        all
    }
}

/// Runs the loop until a test has come to its end; fails with it.
fn in_loop(test: impl Future<Output = ()> + 'static) {
    struct Stop(Rc<Cell<bool>>);
    impl Drop for Stop {
        fn drop(&mut self) {
            self.0.set(!std::thread::panicking());
            rt::stop();
        }
    }
    let passed = Rc::new(Cell::new(false));
    let stop = Stop(passed.clone());
    rt::spawn(async move {
        test.await;
        drop(stop);
    });
    rt::run().expect("the loop runs");
    assert!(passed.get(), "it panicked");
}
