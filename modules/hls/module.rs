//! HLS as a module of `rtmp {}`.

use std::path::PathBuf;
use std::rc::Rc;

use conf::{Directive, Error};
use rtmp::{Application, StreamModule, Telling};

use crate::applications;
use crate::archive;
use crate::archive::window::{Reach, Window};
use crate::dash;
use crate::files::{Files, Layout, Leftovers, Naming, Places};
use crate::keys::Keys;
use crate::part::Format;
use crate::segmenter::Options;
use crate::segments::Segments;
use crate::settings::{Conf, ENDED_MS, Kind, Settings, Variant};
use crate::zone;

/// Everybody may look into directories.
const OPEN: u32 = 0o755;

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
        let settings = settings(conf, application)?;
        let files = files(conf, &settings);
        for Files { places, .. } in &files {
            let (path, wanted_by) =
                (places.root.clone(), "\"hls_path\" or \"dash_path\"".to_owned());
            let shared = Some(places.directory_mode);
            application.setup.folder(module::Folder { path, wanted_by, shared });
        }
        if let Some(path) = conf.hls_key_path.get().filter(|_| conf.hls_keys()) {
            let (path, wanted_by) = (path.into(), "\"hls_key_path\"".to_owned());
            let shared = Some(conf.hls_dir_access().directory());
            application.setup.folder(module::Folder { path, wanted_by, shared });
        }
        for files in &files {
            let (files, prefix) = (files.clone(), application.prefix.to_owned());
            application.process(Rc::new(Leftovers { files, zone: zone.clone(), prefix }));
        }
        if let (Some(window), Kind::Live) = (settings.reach.window.clone(), settings.kind) {
            let (zone, stay) = (zone.clone(), settings.ended());
            application.process(Rc::new(archive::Leftovers { window, zone, stay }));
        }
        let settings = Settings { files, ..settings };
        let telling = telling(conf, application)?;
        let segments = Rc::new(Segments { settings, zone, telling });
        application.process(applications::named(application.prefix, segments.clone()));
        application.follow(segments);
        Ok(())
    }
}

/// What a configuration asks for, but for files.
fn settings(conf: &Conf, application: &mut Application<'_, '_>) -> Result<Settings, Error> {
    let fragment = if conf.hls() { conf.hls_fragment() } else { conf.dash_fragment() };
    let dash = conf.dash().then(|| dash::Settings {
        fragment,
        playlist: conf.dash_playlist_length().max(fragment * 3),
        low_latency: conf.dash_low_latency(),
    });
    let wanted = conf.hls_format();
    if conf.dash() && (wanted == Some(Format::Ts) || conf.hls_keys()) {
        let why = "\"dash\" needs segments of fragmented MP4 that are not encrypted";
        return Err(Error::new(why).with_hint("without \"hls_format ts\" and \"hls_keys\""));
    }
    if conf.dash() && conf.dash_low_latency() && conf.hls_part().is_none() {
        let why = "\"dash_low_latency\" needs \"hls_part\": how long the chunks are";
        return Err(Error::new(why));
    }
    let variants = conf.hls_variant.as_slice().iter().cloned();
    let variants = variants.map(|Variant { suffix, attributes }| (suffix, attributes));
    if conf.hls_keys() && conf.hls_part().is_some() {
        // A part of what is encrypted as a whole cannot be read.
        return Err(Error::new("\"hls_keys\" and \"hls_part\" cannot be used together"));
    }
    if wanted == Some(Format::Ts) && conf.hls_part().is_some() {
        let why =
            "parts are fragmented MP4: \"hls_part\" and \"hls_format ts\" cannot be used together";
        return Err(Error::new(why));
    }
    let playlist = match conf.hls() {
        true => conf.hls_playlist_length().max(fragment * 3),
        false => conf.dash_playlist_length().max(fragment * 3),
    };
    let window = window(conf, playlist, application)?;
    let memory = match (conf.hls_type(), &window) {
        (Kind::Event, None) => u64::MAX,
        _ => playlist.max(dash.map_or(0, |dash| dash.playlist)),
    };
    Ok(Settings {
        options: Options {
            fragment,
            max_fragment: conf.hls_max_fragment.get().copied().unwrap_or(fragment * 10),
            part: conf.hls_part(),
            format: if conf.dash() { Some(Format::Cmaf) } else { wanted },
        },
        playlist,
        reach: Reach { memory, window },
        kind: conf.hls_type(),
        continuous: conf.hls_continuous(),
        files: Vec::new(),
        variants: variants.collect(),
        captions: conf.hls_captions(),
        viewers: conf.hls_viewers(),
        most_viewers: usize::try_from(conf.hls_max_viewers()).unwrap_or(usize::MAX),
        cue: conf.hls_cue(),
        hls: conf.hls(),
        dash,
        keys: conf.hls_keys().then(|| Keys::new(conf.hls_fragments_per_key())),
    })
}

/// `hls_events`
fn telling(
    conf: &Conf,
    application: &mut Application<'_, '_>,
) -> Result<Option<Rc<Telling>>, Error> {
    if !conf.hls_events() {
        return Ok(None);
    }
    let telling = application.telling(None)?;
    match telling.has_events() {
        true => Ok(Some(Rc::new(telling))),
        false => Err(Error::new("\"hls_events\" needs \"rtmp_events\": the channel they are on")),
    }
}

/// `hls_window`. `playlist`: what players have without it, in milliseconds.
fn window(
    conf: &Conf,
    playlist: u64,
    application: &mut Application<'_, '_>,
) -> Result<Option<Rc<Window>>, Error> {
    if conf.hls_window() <= playlist {
        return Ok(None);
    }
    let Some(path) = conf.hls_window_path.get() else {
        let why =
            "\"hls_window\" is longer than what is in memory, and there is no \"hls_window_path\"";
        return Err(Error::new(why));
    };
    if conf.hls_keys() {
        // A key is gone with the memory that it is made from, and names of segments keep their bytes.
        return Err(Error::new("\"hls_keys\" and \"hls_window\" cannot be used together"));
    }
    let (path, prefix) = (PathBuf::from(path), application.prefix.to_owned());
    let wanted_by = "\"hls_window_path\"".to_owned();
    application.setup.folder(module::Folder { path: path.clone(), wanted_by, shared: Some(OPEN) });
    let length = match conf.hls_type() {
        Kind::Live => conf.hls_window(),
        Kind::Event => u64::MAX,
    };
    Ok(Some(Rc::new(Window { length, path, prefix })))
}

/// The files that are asked for.
fn files(conf: &Conf, settings: &Settings) -> Vec<Files> {
    let ended = match settings.kind {
        Kind::Live => ENDED_MS.max(settings.reach.memory.saturating_mul(2)),
        Kind::Event => settings.ended(),
    };
    let hls = conf.hls_path.get().filter(|_| conf.hls()).map(|path| {
        let places = Places {
            root: path.into(),
            directory_mode: conf.hls_dir_access().directory(),
            nested: conf.hls_nested(),
            index: conf.hls_nested_index_filename().clone(),
            naming: conf.hls_fragment_naming(),
            granularity: conf.hls_fragment_naming_granularity(),
            base_url: conf.hls_base_url.get().cloned().unwrap_or_default(),
        };
        let key_path = conf.hls_key_path.get().unwrap_or(path);
        let key_url = conf.hls_key_url.get().cloned().unwrap_or_default();
        let layout = Layout::Hls {
            playlist: settings.playlist,
            reach: settings.reach.clone(),
            event: settings.kind == Kind::Event,
            keys: settings.keys.map(|keys| (keys, key_path.into(), key_url)),
            variants: settings.variants.clone(),
            captions: settings.captions.clone(),
        };
        Files { places, layout, cleanup: conf.hls_cleanup(), ended }
    });
    let dash = settings.dash.and_then(|dash| {
        let path = conf.dash_path.get()?;
        let places = Places {
            root: path.into(),
            directory_mode: OPEN,
            nested: conf.dash_nested(),
            index: "index".to_owned(),
            naming: Naming::Sequential,
            granularity: 0,
            base_url: String::new(),
        };
        Some(Files {
            places,
            layout: Layout::Dash(dash::Settings { low_latency: false, ..dash }),
            cleanup: conf.dash_cleanup(),
            ended,
        })
    });
    hls.into_iter().chain(dash).collect()
}
