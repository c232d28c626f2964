//! HLS as a module of `rtmp {}`.

use std::rc::Rc;

use conf::{Directive, Error};
use rtmp::{Application, StreamModule};

use crate::applications;
use crate::files::{Files, Places};
use crate::segmenter::Options;
use crate::settings::{Conf, Kind};
use crate::stream::{ENDED_MS, Segments, Settings};
use crate::zone;

/// The module.
pub struct Hls;

impl StreamModule for Hls {
    const NAME: &'static str = "hls";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn complete(conf: &mut Conf) -> Result<(), Error> {
        if conf.hls_zone.get().is_none() {
            let zone =
                zone::zone(zone::DEFAULT).ok_or_else(|| Error::new("the hls_zone has no room"))?;
            conf.hls_zone.replace(zone);
        }
        Ok(())
    }

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, application: &mut Application<'_, '_>) -> Result<(), Error> {
        if !conf.hls() {
            return Ok(());
        }
        let Some(zone) = conf.hls_zone.get().cloned() else { return Ok(()) };
        if zone.install(application.setup)? {
            application.process(zone.clone());
        }
        let fragment = conf.hls_fragment();
        let settings = Settings {
            options: Options {
                fragment,
                max_fragment: conf.hls_max_fragment.get().copied().unwrap_or(fragment * 10),
                part: conf.hls_part(),
                format: conf.hls_format(),
            },
            playlist: conf.hls_playlist_length().max(fragment * 3),
            kind: conf.hls_type(),
            continuous: conf.hls_continuous(),
            files: None,
        };
        let files = conf.hls_path.get().map(|path| Files {
            places: Places {
                root: path.into(),
                nested: conf.hls_nested(),
                naming: conf.hls_fragment_naming(),
                granularity: conf.hls_fragment_naming_granularity(),
                base_url: conf.hls_base_url.get().cloned().unwrap_or_default(),
            },
            playlist: settings.playlist,
            event: settings.kind == Kind::Event,
            cleanup: conf.hls_cleanup(),
            ended: ENDED_MS.max(2 * settings.playlist),
        });
        if let Some(files) = &files {
            let (path, wanted_by) = (files.places.root.clone(), "\"hls_path\"".to_owned());
            application.setup.folder(module::Folder { path, wanted_by });
        }
        let settings = Settings { files, ..settings };
        let segments = Rc::new(Segments { settings, zone });
        application.process(applications::named(application.prefix, segments.clone()));
        application.follow(segments);
        Ok(())
    }
}
