//! The directives.

use conf::{Arity, Contexts, Error, Setting, Span, Table, contexts, erase, settings};
use proto::flv::recording::MAX_ENTRIES;
use rtmp::{Hook, hook};

/// Where they may stand.
const PLACES: Contexts = contexts!(RTMP | RTMP_SERVER | APPLICATION | RECORDER);

/// Which frames are recorded, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct What {
    /// Nothing is.
    pub off: bool,
    /// Sound.
    pub audio: bool,
    /// Pictures.
    pub video: bool,
    /// Key frames.
    pub keyframes: bool,
    /// Only while an operator wants it.
    pub manual: bool,
    /// Where it is written.
    pub span: Span,
}

/// When a file is written through to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// When the system thinks fit.
    Off,
    /// Each time that something is written.
    On,
    /// Every so many milliseconds.
    Every(u64),
}

/// The form of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// FLV.
    Flv,
    /// Fragmented MP4.
    Fmp4,
    /// The same, which becomes an ordinary MP4 when it is complete.
    Mp4,
}

/// A `recorder {}`.
#[derive(Clone)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// What it has of its own.
    pub conf: std::rc::Rc<Conf>,
}

settings! {
    /// What they set in a block.
    #[derive(Default)]
    pub struct Conf {
        value record: What = (
            PLACES, Arity::AtLeast(1), what, "off",
            "record what is published: off, or of all, audio, video, keyframes, manual (when rtmp_control says so)"
        );
        option record_path: String = (
            PLACES, Arity::Exactly(1), text, "", "the directory of the files"
        );
        value record_suffix: String = (
            PLACES, Arity::Exactly(1), text, ".flv",
            "what stands behind the stream's name in that of a file (fmp4, mp4: .mp4); with % it is a strftime(3) format, in local time"
        );
        flag record_unique = (PLACES, "off", "put the time (seconds since 1970) into the names of files");
        flag record_append = (PLACES, "off", "go on at the end of a file that is there; off: replace it");
        flag record_lock = (PLACES, "off", "lock files with fcntl(2) while they are recorded");
        size record_max_size = (
            PLACES, "0", "a file ends when it has as many bytes; 0: it does not"
        );
        value record_max_frames: u64 = (
            PLACES, Arity::Exactly(1), |s: &Setting<'_>| s.size(0), "0",
            "a file ends when it has as many frames; 0: it does not"
        );
        value record_interval: u64 = (
            PLACES, Arity::Exactly(1), time_or_off, "off",
            "a new file begins at the first key frame after so long"
        );
        value record_align: u64 = (
            PLACES, Arity::Exactly(1), time_or_off, "off",
            "a new file begins at the first key frame of each such span of the wall clock: 1h is at full hours"
        );
        flag record_notify = (
            PLACES, "off", "tell the publisher when a file begins and ends (NetStream.Record.Start and Stop)"
        );
        value record_format: Format = (
            PLACES, Arity::Exactly(1), format, "flv", "the form of the files: flv, fmp4 (fragmented MP4), or mp4: fragmented until it is complete, an ordinary MP4 then"
        );
        value record_sync: Sync = (
            PLACES, Arity::Exactly(1), sync, "off",
            "write files through to the disk: on, at each write, or every so often; what was synced outlives a loss of power"
        );
        value record_delete_after: u64 = (
            PLACES, Arity::Exactly(1), time_or_off, "off",
            "delete a file so long after it was complete; only files that this recorder has made"
        );
        value record_index: u64 = (
            PLACES, Arity::Exactly(1), index, "7200",
            "key frames in the index of an FLV file, 18 bytes each; of more, every second one goes. An MP4 has as many bytes for its own, which stands at the end if they are too few"
        );
        option on_record_done: Hook = (
            PLACES, Arity::Exactly(1), hook, "", "tell this URL that a file is complete"
        );
        block recorder: Vec<Named> = (
            Contexts::APPLICATION, Arity::Exactly(1), recorder, "",
            "one more recorder: NAME, with settings of its own"
        );
    }
}

fn what(setting: &Setting<'_>) -> Result<What, Error> {
    let mut what = What { span: setting.node().name.span, ..What::default() };
    for (at, word) in setting.args().iter().enumerate() {
        match word.text.as_str() {
            "off" => what.off = true,
            "all" => (what.audio, what.video) = (true, true),
            "audio" => what.audio = true,
            "video" => what.video = true,
            "keyframes" => what.keyframes = true,
            "manual" => what.manual = true,
            _ => return Err(setting.error_at(at, format!("invalid value \"{word}\""))),
        }
    }
    Ok(what)
}

fn text(setting: &Setting<'_>) -> Result<String, Error> {
    Ok(setting.arg(0).to_owned())
}

fn time_or_off(setting: &Setting<'_>) -> Result<u64, Error> {
    match setting.arg(0) {
        "off" => Ok(0),
        _ => setting.time_ms(0),
    }
}

fn index(setting: &Setting<'_>) -> Result<u64, Error> {
    setting.number_in(0, 0..=MAX_ENTRIES as u64)
}

fn format(setting: &Setting<'_>) -> Result<Format, Error> {
    setting.choice(0, &[("flv", Format::Flv), ("fmp4", Format::Fmp4), ("mp4", Format::Mp4)])
}

fn sync(setting: &Setting<'_>) -> Result<Sync, Error> {
    match setting.arg(0) {
        "off" => Ok(Sync::Off),
        "on" => Ok(Sync::On),
        _ => setting.time_ms(0).map(Sync::Every),
    }
}

/// Reads a `recorder {}`.
fn recorder(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let name = setting.arg(0).to_owned();
    if name.is_empty() {
        return Err(setting.error_at(0, "a recorder has a name"));
    }
    if conf.recorder.as_slice().iter().any(|known| known.name == name) {
        return Err(setting.error_at(0, format!("duplicate recorder \"{name}\"")));
    }
    let mut table = Table::new();
    table.add(0, erase(Conf::DIRECTIVES))?;
    let mut own = Conf::default();
    for node in setting.block() {
        let inner = Setting::new(node, Contexts::RECORDER, setting.env());
        let set = table.find(&inner).and_then(|found| match found {
            Some(found) => found.entry.set(&mut own, &inner),
            None => Ok(()),
        });
        setting.env().settle(set)?;
    }
    conf.recorder.push(Named { name, conf: std::rc::Rc::new(own) });
    Ok(())
}
