//! The module: from directives to the recorders of an application.

use std::rc::Rc;

use conf::{Directive, Error, Span};
use rtmp::{Application, StreamModule};

use crate::file::journal::Journal;
use crate::file::name::Naming;
use crate::library::library;
use crate::recorder::Recorder;
use crate::settings::{Conf, Format};
use crate::sweep::Sweep;

/// The module.
pub struct Record;

impl StreamModule for Record {
    const NAME: &'static str = "record";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, application: &mut Application<'_, '_>) -> Result<(), Error> {
        let mut known = Vec::new();
        for named in conf.recorder.as_slice() {
            let mut own = Conf::default();
            own.inherit(&named.conf);
            own.inherit(conf);
            add(&named.name, &own, &mut known, application)?;
        }
        add("", conf, &mut known, application)?;
        application.process(library(application.prefix, &known));
        Ok(())
    }
}

/// Adds a recorder, if it records something. The one without a name is the application's own.
fn add(
    name: &str,
    conf: &Conf,
    known: &mut Vec<Rc<Recorder>>,
    application: &mut Application<'_, '_>,
) -> Result<(), Error> {
    let what = conf.record();
    if what.off || !(what.audio || what.video || what.keyframes) {
        return Ok(());
    }
    let Some(dir) = conf.record_path.get().filter(|path| !path.is_empty()) else {
        warn(application, what.span, "nothing is recorded without a \"record_path\"".to_owned());
        return Ok(());
    };
    let dir = application.setup.env.prefix.join(conf::text::path(dir));
    let wanted_by = "\"record_path\"".to_owned();
    application.setup.folder(module::Folder { path: dir.clone(), wanted_by, shared: Some(0o755) });
    let journal = Rc::new(Journal::new(&dir, application.prefix, name));
    let telling = application.telling(conf.on_record_done.get())?;
    let suffix = match (conf.record_suffix.get(), conf.record_format()) {
        (None, Format::Fmp4 | Format::Mp4) => ".mp4".to_owned(),
        _ => conf.record_suffix(),
    };
    let naming = Naming::new(dir, &suffix, conf.record_unique());
    let naming = naming.map_err(Error::new)?;
    if known.iter().any(|recorder| recorder.naming == naming) {
        let message = "two recorders would write the same files: one of them does";
        warn(application, what.span, message.to_owned());
    }
    // Those of one directory are those of one disk.
    let near = known.iter().find(|other| other.naming.dir() == naming.dir());
    let lane = near.map(|other| other.lane.clone());
    let recorder = Recorder {
        name: name.to_owned(),
        follower: format!("record/{name}"),
        what,
        naming,
        append: conf.record_append(),
        lock: conf.record_lock(),
        max_size: conf.record_max_size(),
        max_frames: conf.record_max_frames(),
        interval: conf.record_interval(),
        align: conf.record_align(),
        notify: conf.record_notify(),
        sync: conf.record_sync(),
        format: conf.record_format(),
        index: index(conf),
        lane: lane.unwrap_or_default(),
        journal,
        telling,
    };
    let recorder = Rc::new(recorder);
    known.push(recorder.clone());
    application.process(Rc::new(Sweep::new(&recorder, conf.record_delete_after())));
    application.follow(Rc::new(crate::recording::Recorders(recorder)));
    Ok(())
}

fn warn(application: &mut Application<'_, '_>, span: Span, message: String) {
    let env = application.setup.env;
    env.warnings.borrow_mut().push(Error::at(message, span, env.files));
}

/// Entries of an index. It has room in the file from the beginning: of a small one it takes a tenth.
fn index(conf: &Conf) -> usize {
    const ENTRY: u64 = 18;
    let of = |limit: u64, most: u64| if limit > 0 { most } else { u64::MAX };
    let size = of(conf.record_max_size(), conf.record_max_size() / (10 * ENTRY));
    let frames = of(conf.record_max_frames(), conf.record_max_frames());
    conf.record_index().min(size).min(frames) as usize
}
