//! A plan for event streams, carried out at one server.

use crate::events::{CHANNELS, Place, READERS, READS, STARTS, Step};
use crate::reader::{Reader, comes, events, request, subscribers};

/// One run of a plan at one server.
pub struct Run {
    port: u16,
    nchan: bool,
    place: Place,
    run: usize,
    said: Vec<String>,
    /// The marks of what was published to each channel.
    published: [Vec<String>; CHANNELS],
    readers: [Option<Reader>; READERS],
    /// What each read, its last id, and how much had been published to each channel when it left.
    left: [Option<(usize, String, [usize; CHANNELS])>; READERS],
}

impl Run {
    pub fn new(port: u16, nchan: bool, place: Place, run: usize) -> Run {
        let (said, published) = (Vec::new(), Default::default());
        Run {
            port,
            nchan,
            place,
            run,
            said,
            published,
            readers: Default::default(),
            left: Default::default(),
        }
    }

    /// All that was told.
    pub fn all(mut self, steps: &[Step]) -> Vec<String> {
        for step in steps {
            match step {
                Step::Publish(channel, data, kind) => self.publish(*channel, data, kind),
                Step::Open(reader, reads) => self.open(*reader, *reads),
                Step::Close(reader) => self.close(*reader),
            }
        }
        // Nothing comes late or twice.
        for channel in 0..CHANNELS {
            self.publish(channel, "the last", "");
        }
        for reader in 0..READERS {
            self.close(reader);
        }
        self.said
    }

    fn name(&self, channel: usize) -> String {
        format!("r{}c{channel}", self.run)
    }

    fn path(&self, channels: &[usize]) -> String {
        let names: Vec<_> = channels.iter().map(|&channel| self.name(channel)).collect();
        format!("/{}/{}/{}", self.place.history, STARTS[self.place.start].0, names.join(","))
    }

    fn publish(&mut self, channel: usize, data: &str, kind: &str) {
        let mark = format!("m{}.{channel}", self.published[channel].len());
        let data = format!("{mark} {data}");
        let kind = if kind.is_empty() {
            String::new()
        } else {
            format!("X-EventSource-Event: {kind}\r\n")
        };
        let (status, _) = request(self.port, "POST", &self.path(&[channel]), &kind, &data);
        self.said.push(format!("{mark}: {status}"));
        self.published[channel].push(mark.clone());
        for reader in self.readers.iter_mut().flatten() {
            if reader.reads.contains(&channel) && !reader.wait_for(&mark) {
                self.said.push(format!("{mark} does not come"));
            }
        }
    }

    fn open(&mut self, number: usize, reads: usize) {
        if self.readers[number].is_some() {
            return;
        }
        let empty = |channel: &usize| self.published[*channel].is_empty();
        if self.left[number].is_none()
            && STARTS[self.place.start].0 == "2"
            && READS[reads].iter().any(empty)
        {
            return;
        }
        // Who comes back reads what it has read.
        let (reads, id, seen) = match self.left[number].take() {
            Some(left) => left,
            // Only from the oldest on it is clear where several channels begin.
            None if STARTS[self.place.start].0 != "oldest" || self.place.history < 100 => {
                (reads % CHANNELS, String::new(), [0; CHANNELS])
            }
            None => (reads, String::new(), [0; CHANNELS]),
        };
        let mut wanted = Vec::new();
        for &channel in READS[reads] {
            let all = &self.published[channel];
            let most = STARTS[self.place.start].2.min(self.place.history);
            let missed = all.len() - seen[channel];
            let count = if id.is_empty() { most.min(all.len()) } else { missed };
            if !id.is_empty() && missed > self.place.history {
                return;
            }
            wanted.extend_from_slice(&all[all.len() - count..]);
        }
        let mut reader = Reader::open(self.port, &self.path(READS[reads]), &id, READS[reads]);
        for mark in wanted {
            if !reader.wait_for(&mark) {
                self.said.push(format!("reader {number} is not given {mark}"));
            }
        }
        reader.number = reads;
        self.readers[number] = Some(reader);
        self.settle(reads);
    }

    fn close(&mut self, number: usize) {
        let Some(reader) = self.readers[number].take() else { return };
        let (events, id) = events(&reader.text());
        for &channel in reader.reads {
            let mine = events.iter().filter(|e| {
                e.data.split(' ').next().is_some_and(|mark| mark.ends_with(&format!(".{channel}")))
            });
            let all: Vec<_> = mine.map(|e| format!("{}={:?}", e.event, e.data)).collect();
            self.said.push(format!("reader {number} of {channel}: {}", all.join(" ")));
        }
        let reads = reader.number;
        drop(reader);
        let seen = [0, 1].map(|channel: usize| self.published[channel].len());
        if !id.is_empty() && !events.is_empty() {
            self.left[number] = Some((reads, id, seen));
        }
        self.settle(reads);
    }

    /// Waits until the server knows who is there: publishers are told.
    fn settle(&mut self, reads: usize) {
        for &channel in READS[reads] {
            let count =
                self.readers.iter().flatten().filter(|r| r.reads.contains(&channel)).count();
            let path = if self.nchan {
                format!("/info/{}", self.name(channel))
            } else {
                self.path(&[channel])
            };
            if !comes(|| subscribers(self.port, &path) == count) {
                self.said.push(format!("not {count} subscribers"));
            }
        }
    }
}
