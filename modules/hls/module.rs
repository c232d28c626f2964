//! HLS as a module of `rtmp {}`.

use std::rc::Rc;

use conf::{Directive, Error};
use rtmp::{Application, StreamModule};

use crate::applications;
use crate::dash;
use crate::files::{Files, Layout, Naming, Places};
use crate::keys::Keys;
use crate::part::Format;
use crate::segmenter::Options;
use crate::settings::{Conf, Kind, Variant};
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
        if !conf.hls() && !conf.dash() {
            return Ok(());
        }
        let Some(zone) = conf.hls_zone.get().cloned() else { return Ok(()) };
        if zone.install(application.setup)? {
            application.process(zone.clone());
        }
        let fragment = if conf.hls() { conf.hls_fragment() } else { conf.dash_fragment() };
        let dash = conf.dash().then(|| dash::Settings {
            fragment,
            playlist: conf.dash_playlist_length().max(fragment * 3),
        });
        let wanted = conf.hls_format();
        if conf.dash() && (wanted == Some(Format::Ts) || conf.hls_keys()) {
            let why = "\"dash\" needs segments of fragmented MP4 that are not encrypted";
            return Err(Error::new(why).with_hint("without \"hls_format ts\" and \"hls_keys\""));
        }
        let variants = conf.hls_variant.as_slice().iter().cloned();
        let variants = variants.map(|Variant { suffix, attributes }| (suffix, attributes));
        if conf.hls_keys() && conf.hls_part().is_some() {
            // A part of what is encrypted as a whole cannot be read.
            return Err(Error::new("\"hls_keys\" and \"hls_part\" cannot be used together"));
        }
        let settings = Settings {
            options: Options {
                fragment,
                max_fragment: conf.hls_max_fragment.get().copied().unwrap_or(fragment * 10),
                part: conf.hls_part(),
                format: if conf.dash() { Some(Format::Cmaf) } else { wanted },
            },
            playlist: match conf.hls() {
                true => conf.hls_playlist_length().max(fragment * 3),
                false => conf.dash_playlist_length().max(fragment * 3),
            },
            kind: conf.hls_type(),
            continuous: conf.hls_continuous(),
            files: Vec::new(),
            variants: variants.collect(),
            viewers: conf.hls_viewers(),
            most_viewers: usize::try_from(conf.hls_max_viewers()).unwrap_or(usize::MAX),
            hls: conf.hls(),
            dash,
            keys: conf.hls_keys().then(|| Keys::new(conf.hls_fragments_per_key())),
        };
        let files = files(conf, &settings);
        for Files { places, .. } in &files {
            let (path, wanted_by) =
                (places.root.clone(), "\"hls_path\" or \"dash_path\"".to_owned());
            application.setup.folder(module::Folder { path, wanted_by, shared: true });
        }
        if let Some(path) = conf.hls_key_path.get().filter(|_| conf.hls_keys()) {
            let (path, wanted_by) = (path.into(), "\"hls_key_path\"".to_owned());
            application.setup.folder(module::Folder { path, wanted_by, shared: true });
        }
        let settings = Settings { files, ..settings };
        let segments = Rc::new(Segments { settings, zone });
        application.process(applications::named(application.prefix, segments.clone()));
        application.follow(segments);
        Ok(())
    }
}

/// The files that are asked for.
fn files(conf: &Conf, settings: &Settings) -> Vec<Files> {
    let ended = ENDED_MS.max(2 * settings.kept());
    let hls = conf.hls_path.get().filter(|_| conf.hls()).map(|path| {
        let places = Places {
            root: path.into(),
            nested: conf.hls_nested(),
            naming: conf.hls_fragment_naming(),
            granularity: conf.hls_fragment_naming_granularity(),
            base_url: conf.hls_base_url.get().cloned().unwrap_or_default(),
        };
        let key_path = conf.hls_key_path.get().unwrap_or(path);
        let key_url = conf.hls_key_url.get().cloned().unwrap_or_default();
        let layout = Layout::Hls {
            playlist: settings.playlist,
            event: settings.kind == Kind::Event,
            keys: settings.keys.map(|keys| (keys, key_path.into(), key_url)),
            variants: settings.variants.clone(),
        };
        Files { places, layout, cleanup: conf.hls_cleanup(), ended }
    });
    let dash = settings.dash.and_then(|dash| {
        let path = conf.dash_path.get()?;
        let places = Places {
            root: path.into(),
            nested: conf.dash_nested(),
            naming: Naming::Sequential,
            granularity: 0,
            base_url: String::new(),
        };
        Some(Files { places, layout: Layout::Dash(dash), cleanup: conf.dash_cleanup(), ended })
    });
    hls.into_iter().chain(dash).collect()
}
