//! Which files of a stream are there, and what is to be done so that they are those that are wanted.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use broadcast::ChannelId;

use crate::archive::Behind;
use crate::files::earlier::{Earlier, Ours};
use crate::files::job::Step;
use crate::files::layout::{File, Layout, Source};
use crate::files::names::{Places, StreamNames};
use crate::playlists;
use crate::timeline::{Segment, Timeline};
use crate::zone::Hub;

/// What an application asks for.
#[derive(Clone, Debug)]
pub struct Files {
    /// Where.
    pub places: Places,
    /// Which.
    pub layout: Layout,
    /// Those that nobody can ask for any more are removed.
    pub cleanup: bool,
    /// Files of a stream that has ended are removed after so many milliseconds.
    pub ended: u64,
}

impl Files {
    /// A recording of all of it is not removed.
    pub fn cleans_up(&self) -> bool {
        let (_, event) = self.layout.listed();
        self.cleanup && !event
    }
}

/// Segments that one job writes at most: they are in memory meanwhile.
const AT_ONCE: usize = 4;
/// A journal has lines for at most so many times the files that are there.
const NOTED_TIMES: usize = 8;

/// Where a stream is: the zone, and its channel there by number and name.
pub struct Channel {
    /// The zone.
    pub hub: &'static Hub,
    /// By number.
    pub id: ChannelId,
    /// By name.
    pub name: Vec<u8>,
}

/// The files of one stream.
pub struct Inventory {
    files: Files,
    channel: Channel,
    names: StreamNames,
    /// Files that are there, or are being written, by the segments that they are of.
    written: BTreeMap<u64, Vec<PathBuf>>,
    /// Segments that the job writes which is at work.
    underway: Vec<u64>,
    /// Segments that were written before an error, or by whoever was here before.
    there: BTreeSet<u64>,
    /// Segments that were not written while they could be read.
    lost: BTreeSet<u64>,
    /// What is listed and may be in the zone no more.
    earlier: Option<Earlier>,
    /// Files of what a decoder needs first, by version.
    inits: BTreeMap<u32, Vec<PathBuf>>,
    /// Playlists and descriptions.
    lists: BTreeSet<PathBuf>,
    /// What was there before is not looked at any more: all of it was.
    checked: bool,
    /// Files that the journal has lines for.
    noted: usize,
}

impl Inventory {
    /// Of a stream of that name; nothing is known yet of what is there.
    pub fn new(files: Files, name: &str, channel: Channel) -> Inventory {
        Inventory {
            names: StreamNames::new(files.places.clone(), name),
            files,
            channel,
            written: BTreeMap::new(),
            underway: Vec::new(),
            there: BTreeSet::new(),
            lost: BTreeSet::new(),
            earlier: None,
            inits: BTreeMap::new(),
            lists: BTreeSet::new(),
            checked: false,
            noted: 0,
        }
    }

    /// Where its playlist is, and which files in it are ours.
    pub fn listed_in(&self) -> (PathBuf, Ours) {
        let names = &self.names;
        (names.list(names.name(), "m3u8"), self.files.layout.ours(names))
    }

    /// That is what the playlist lists.
    pub fn know(&mut self, earlier: Option<Earlier>) {
        for (msn, file, is_there) in earlier.iter().flat_map(Earlier::segments) {
            let name = self.names.file(file);
            self.names.reserve(msn, name);
            if is_there {
                self.there.insert(msn);
            }
        }
        self.earlier = earlier;
    }

    /// From where segments are counted, if the stream is in no memory any more.
    pub fn behind(&self) -> Option<Behind> {
        self.earlier.as_ref().and_then(Earlier::behind)
    }

    /// What is to be done. `true`: there is more.
    pub fn update(&mut self, timeline: &Timeline, steps: &mut Vec<Step>) -> bool {
        let directories = self.files.layout.directories(&self.names);
        let mode = self.files.places.directory_mode;
        steps.extend(directories.into_iter().map(|path| Step::Directory(path, mode)));
        let (playlist, event) = self.files.layout.listed();
        let first = playlists::listed(timeline, playlist, event);
        let whole = timeline.segments.iter().skip(first).filter(|segment| segment.whole);
        let missing = whole.filter(|segment| !self.written.contains_key(&segment.msn));
        let missing: Vec<&Segment> = missing.collect();
        self.write_segments(timeline, &missing[..missing.len().min(AT_ONCE)], steps);
        if missing.len() > AT_ONCE {
            return true;
        }
        if !std::mem::replace(&mut self.checked, true) {
            // Whoever was here before has written what has left the playlist since.
            for segment in timeline.segments.iter().take(first).filter(|segment| segment.whole) {
                let paths = self.files.layout.paths(segment, &mut self.names);
                self.written.entry(segment.msn).or_insert(paths);
            }
            self.noted = usize::MAX;
        }
        let gone = self.gone(timeline);
        self.write_lists(timeline, steps);
        if self.files.cleans_up() {
            steps.extend(gone.into_iter().map(Step::Remove));
            let files = self.written.values().chain(self.inits.values()).flatten();
            let kept: BTreeSet<PathBuf> = files.chain(&self.lists).cloned().collect();
            if self.noted / NOTED_TIMES > kept.len() {
                self.noted = kept.len();
                steps.push(self.files.layout.keep(&self.names, kept, None));
            }
        }
        false
    }

    fn write_segments(
        &mut self,
        timeline: &Timeline,
        segments: &[&Segment],
        steps: &mut Vec<Step>,
    ) {
        let keep = !self.checked;
        let (mut writes, mut noted) = (Vec::new(), Vec::new());
        for segment in segments {
            let Inventory { files: Files { layout, .. }, channel, names, .. } = self;
            if let Entry::Vacant(place) = self.inits.entry(segment.version) {
                let paths = write(layout.inits(segment, names), false, &mut writes);
                noted.extend_from_slice(&paths);
                place.insert(paths);
            }
            let source = source(channel, timeline, &self.lost, &self.earlier);
            let files = layout.files(segment, names, &source);
            if files.is_none() && !self.there.contains(&segment.msn) {
                self.lost.insert(segment.msn);
            }
            let paths = layout.paths(segment, names);
            write(files.unwrap_or_default(), keep, &mut writes);
            noted.extend_from_slice(&paths);
            self.written.insert(segment.msn, paths);
            self.underway.push(segment.msn);
        }
        self.note(noted, steps);
        steps.append(&mut writes);
    }

    fn write_lists(&mut self, timeline: &Timeline, steps: &mut Vec<Step>) {
        self.lost.retain(|msn| self.written.contains_key(msn));
        let Inventory { files: Files { layout, .. }, channel, names, .. } = self;
        let source = source(channel, timeline, &self.lost, &self.earlier);
        let list = layout.list(names, &source);
        let master = layout.master(names, &source, false);
        let master = master.and_then(|(path, text)| text.map(|text| (path, text)));
        // That of a stream which need not have files itself.
        let above = master.as_ref().and_then(|(path, _)| path.parent());
        let mode = self.files.places.directory_mode;
        steps.extend(above.map(|above| Step::Directory(above.to_owned(), mode)));
        let lists = list.into_iter().chain(master);
        let lists = lists.map(|(path, text)| (path, text.into_bytes(), 0o644));
        let mut writes = Vec::new();
        let paths = write(lists.collect(), false, &mut writes);
        let new = paths.into_iter().filter(|path| self.lists.insert(path.clone())).collect();
        self.note(new, steps);
        steps.append(&mut writes);
    }

    /// The journal has lines for files that are written next.
    fn note(&mut self, paths: Vec<PathBuf>, steps: &mut Vec<Step>) {
        if self.files.cleans_up() && !paths.is_empty() {
            self.noted = self.noted.saturating_add(paths.len());
            steps.push(Step::Note(self.files.layout.journal(&self.names), paths));
        }
    }

    /// Files that nobody can ask for any more.
    fn gone(&mut self, timeline: &Timeline) -> Vec<PathBuf> {
        let Some(oldest) = timeline.segments.front() else { return Vec::new() };
        let kept = self.written.split_off(&oldest.msn);
        let gone = std::mem::replace(&mut self.written, kept);
        self.there.retain(|msn| *msn >= oldest.msn);
        gone.keys().for_each(|&msn| self.names.forget(msn));
        let wanted =
            |version: &u32| timeline.segments.iter().any(|segment| segment.version == *version);
        let old: Vec<u32> = self.inits.keys().copied().filter(|version| !wanted(version)).collect();
        let inits: Vec<Vec<PathBuf>> =
            old.iter().filter_map(|version| self.inits.remove(version)).collect();
        // A key may be that of segments that are still there.
        let still: BTreeSet<&PathBuf> = self.written.values().flatten().collect();
        gone.into_values().chain(inits).flatten().filter(|path| !still.contains(path)).collect()
    }

    /// How everything is removed.
    pub fn remove_all(&mut self, timeline: &Timeline) -> Vec<Step> {
        let segments = std::mem::take(&mut self.written).into_values();
        let segments = segments.chain(std::mem::take(&mut self.inits).into_values()).flatten();
        let mut lists = std::mem::take(&mut self.lists);
        let (layout, names) = (&self.files.layout, &self.names);
        let source = source(&self.channel, timeline, &self.lost, &self.earlier);
        let (mut steps, mut others) = (Vec::new(), BTreeSet::new());
        if let Some((path, Some(text))) = layout.master(names, &source, true) {
            lists.remove(&path);
            others.extend(write(vec![(path, text.into_bytes(), 0o644)], false, &mut steps));
        }
        // First nobody is told of them any more.
        steps.extend(lists.into_iter().chain(segments).map(Step::Remove));
        // What errors have left is in the journal alone.
        steps.push(layout.keep(names, others, None));
        steps
    }

    /// All that was to be done is done.
    pub fn done(&mut self) {
        self.underway.clear();
    }

    /// Something could not be done: what was to be written is written when it is possible again.
    pub fn failed(&mut self) {
        let underway = std::mem::take(&mut self.underway);
        let written = std::mem::take(&mut self.written).into_keys();
        let lost = &self.lost;
        self.there.extend(written.filter(|msn| !underway.contains(msn) && !lost.contains(msn)));
        self.inits.clear();
        self.checked = false;
    }
}

fn source<'a>(
    channel: &'a Channel,
    timeline: &'a Timeline,
    lost: &'a BTreeSet<u64>,
    earlier: &'a Option<Earlier>,
) -> Source<'a> {
    let Channel { hub, id, name } = channel;
    Source { timeline, hub, id: *id, channel: name, earlier: earlier.as_ref(), lost }
}

/// The steps that write files; gives where they are.
fn write(files: Vec<File>, keep: bool, steps: &mut Vec<Step>) -> Vec<PathBuf> {
    let paths = files.iter().map(|(path, _, _)| path.clone()).collect();
    steps.extend(files.into_iter().map(|(path, bytes, mode)| Step::Write {
        path,
        bytes,
        keep,
        mode,
    }));
    paths
}
