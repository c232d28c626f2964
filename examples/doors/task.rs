//! `beat FILE [TIME];`: each worker writes a line every TIME, as long as it serves. A task of its own in each worker.

use std::rc::Rc;

use rserve_sdk::prelude::*;

settings! {
    /// What the directive sets.
    #[derive(Default)]
    pub struct Conf {
        raw beat: Rc<Heart> = (contexts!(HTTP), Arity::Between(1, 2), set_beat, "", "write a line to FILE every TIME, 1s by default");
    }
}

fn set_beat(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let ms = if setting.args().len() > 1 { setting.time_ms(1)? } else { 1000 };
    if ms == 0 {
        return Err(setting.invalid(1, "value"));
    }
    let heart = Heart { path: setting.path(0), ms, file: Default::default() };
    conf.beat.set_in(Rc::new(heart), setting)
}

/// The module.
pub struct Beat;

impl Module for Beat {
    const NAME: &'static str = "beat";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        // Each location has inherited it: it is the same one, and added once.
        if let Some(heart) = conf.beat.get() {
            let _ = heart.file.set(hooks.log_file(heart.path.clone()));
            hooks.process(heart.clone());
        }
        Ok(())
    }
}

/// What beats.
pub struct Heart {
    path: std::path::PathBuf,
    ms: u64,
    /// Opened by the master, and reopened when it was rotated.
    file: std::cell::OnceCell<Rc<LogFile>>,
}

impl Process for Heart {
    /// In each worker: there is a loop, so there may be tasks.
    fn started(&'static self) -> Result<(), String> {
        rt::spawn(async move {
            // A worker that is told to leave does not wait for its tasks.
            while !rt::draining() {
                let line = format!("{} beats\n", std::process::id());
                if let Some(file) = self.file.get() {
                    let _ = file.write(line.as_bytes());
                }
                rt::sleep(self.ms).await;
            }
        });
        Ok(())
    }
}
