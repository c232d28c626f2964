//! What of a stream is asked for by HLS and DASH, from memory.

use std::io::{self, ErrorKind};
use std::rc::Rc;

use http::{Body, Flow, Request};
use mem::{Buf, Str};
use proto::fmp4;
use proto::hls::{self, Answer, Arguments};
use rtmp::Admitted;
use sys::log::Level;

use crate::applications;
use crate::archive::disk;
use crate::dash;
use crate::keys;
use crate::part::{Format, Track};
use crate::playlists;
use crate::segmenter::tracks::Tracks;
use crate::segments::Segments;
use crate::settings::{Kind, ViewersBy};
use crate::timeline::{self, Segment, Timeline};
use crate::watch::{Watched, watch};
use crate::web::addresses::{Addresses, Place};
use crate::web::answers;
use crate::web::cache;
use crate::web::coming::{available, comes_next, is_hinted, is_next};
use crate::web::growing::Growing;
use crate::web::resource::Resource;
use crate::web::viewers;

const MANIFEST: &str = "application/dash+xml";

/// A segment that is to be in a file is looked for so long, and so often.
const LATE_MS: u64 = 1000;
const AGAIN_MS: u64 = 50;

/// Something of a stream that a client may play: how it is waited for, and the answer that it is.
pub struct Serving {
    resource: Resource,
    arguments: Arguments,
    segments: &'static Segments,
    /// The stream's name in the zone.
    channel: Vec<u8>,
    watched: Rc<Watched>,
    addresses: Addresses,
}

/// For how long, in milliseconds, a viewer of a stream may ask for nothing: players look for a new segment once in a target duration,
/// and a request for what does not come is answered after three.
fn patience(watched: &Rc<Watched>) -> u64 {
    4000 * u64::from(watched.with(|timeline| timeline.target).max(1))
}

impl Serving {
    /// Looks for it. The error is the answer: there is nothing, or it is here already.
    pub fn of(
        request: &mut Request,
        admitted: &Admitted,
        resource: Resource,
        place: Place,
    ) -> Result<Serving, Flow> {
        let arguments = match resource {
            Resource::Playlist(_) => Arguments::of(&request.args).ok_or(Flow::Status(400))?,
            _ => Arguments::default(),
        };
        let segments = applications::segments(admitted.prefix()).ok_or(Flow::Status(404))?;
        let hub = segments.zone.hub().ok_or(Flow::Status(404))?;
        let lists =
            matches!(resource, Resource::Master | Resource::Manifest | Resource::Playlist(_));
        let own = arguments_of(admitted, request);
        let channel = admitted.channel();
        let is_there = hub.attachment.zone().find(&channel).is_some();
        let settings = &segments.settings;
        let watched = watch(hub, &channel, &settings.reach);
        let patience = watched.as_ref().filter(|_| settings.viewers.is_some()).map_or(0, patience);
        let end =
            viewers::arguments(request, admitted, settings, own, (lists, is_there), patience)?;
        let addresses = Addresses::new(place, &end);
        if resource == Resource::Master && segments.settings.hls {
            return Err(answers::master(request, segments, admitted, &addresses));
        }
        let watched = watched.ok_or(Flow::Status(404))?;
        Ok(Serving { resource, arguments, segments, channel, watched, addresses })
    }

    /// Whether it is to come, and will be waited for.
    pub fn must_wait(&self) -> bool {
        if !self.watched.is_loaded() || self.archived().is_some() {
            return true;
        }
        self.watched.with(|timeline| match self.resource {
            Resource::Playlist(track) => self.answer(timeline, track) == Answer::Wait,
            Resource::Part(_, msn, part) => is_hinted(timeline, msn, part),
            Resource::Segment(_, msn) => self.in_chunks() && comes_next(timeline, msn),
            Resource::Timed(track, version, base) => is_next(timeline, track, version, base),
            _ => false,
        })
    }

    fn answer(&self, timeline: &Timeline, track: Track) -> Answer {
        hls::answer(self.arguments, available(timeline, track))
    }

    /// How long what is to come is waited for, in milliseconds.
    fn patience(&self) -> u64 {
        self.watched.with(|timeline| 3000 * u64::from(timeline.target.max(1)))
    }

    /// Waits for it, and answers with it.
    pub async fn wait(&self, request: &mut Request) -> Flow {
        let patience = self.patience();
        let until = rt::now() + patience;
        let there = match self.resource {
            Resource::Playlist(track) => {
                self.watched
                    .wait(until, |timeline| self.answer(timeline, track) != Answer::Wait)
                    .await
            }
            Resource::Part(_, msn, part) => {
                self.watched.wait(until, |timeline| !is_hinted(timeline, msn, part)).await
            }
            Resource::Segment(_, msn) if self.in_chunks() => {
                let until = rt::now() + patience / 3;
                self.watched.wait(until, |timeline| !comes_next(timeline, msn)).await
            }
            Resource::Timed(track, version, base) => {
                let until = rt::now() + patience / 3;
                self.watched.wait(until, |timeline| !is_next(timeline, track, version, base)).await
            }
            _ => self.watched.wait(until, |_| true).await,
        };
        if !there && matches!(self.resource, Resource::Playlist(_)) {
            return Flow::Status(503);
        }
        if self.archived().is_none() {
            match self.respond(request) {
                // It has left memory in this moment.
                Flow::Wait => {}
                flow => return flow,
            }
        }
        match self.archived() {
            Some((track, segment)) => self.archived_media(request, track, &segment).await,
            None => Flow::Status(404),
        }
    }

    /// What is asked for, if it has left memory.
    fn archived(&self) -> Option<(Track, Segment)> {
        self.watched.directory.as_ref()?;
        let found = self.watched.with(|timeline| match self.resource {
            Resource::Segment(track, msn) => Some((track, timeline.segment(msn)?.clone())),
            Resource::Timed(track, version, base) => {
                Some((track, timeline.segment_at(track, version, base)?.clone()))
            }
            _ => None,
        });
        let (zone, id) = (self.watched.hub().attachment, self.watched.id);
        found.filter(|(_, it)| it.whole && !timeline::is_in_memory(zone, id, it))
    }

    /// Answers with a segment from its file.
    async fn archived_media(&self, request: &mut Request, track: Track, segment: &Segment) -> Flow {
        if !answers::is_named(request, segment.format) || !segment.has(track) {
            return Flow::Status(404);
        }
        match self.find(track, segment.msn).await {
            Ok(found) => {
                request.response.file = found.is_some();
                let bytes = found.map(|(file, at, len)| Buf::file(Rc::new(file), at, len));
                answers::media(request, segment.format, track, bytes)
            }
            Err(error) => {
                let errno = sys::log::errno(&error);
                request.error(Level::Error, format_args!("a segment cannot be read {errno}"));
                Flow::Status(500)
            }
        }
    }

    /// Looks for the file of a segment. Each worker counts what leaves memory: by this one's count it has left, while the one
    /// that writes it may be at it still.
    async fn find(&self, track: Track, msn: u64) -> io::Result<Option<disk::Place>> {
        let until = rt::now() + LATE_MS;
        loop {
            let Some(directory) = self.watched.directory.clone() else { return Ok(None) };
            let channel = self.channel.clone();
            match rt::offload(move || disk::find(&directory, &channel, msn, track)).await {
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                found => return found,
            }
            if rt::now() >= until {
                return Ok(None);
            }
            rt::sleep(AGAIN_MS).await;
        }
    }

    /// Answers with it. [`Flow::Wait`]: it has left memory meanwhile, and has to be waited for.
    pub fn respond(&self, request: &mut Request) -> Flow {
        match self.resource {
            Resource::Master => Flow::Status(404),
            Resource::Manifest => self.manifest(request),
            Resource::Timed(track, version, base) => self.timed(request, track, version, base),
            Resource::Key(number) => self.key(request, number),
            Resource::Playlist(track) => self.playlist(request, track),
            Resource::Init(track, version) => self.init(request, track, version),
            Resource::Segment(track, msn) => self.media(request, track, msn, None),
            Resource::Part(track, msn, part) => self.media(request, track, msn, Some(part)),
        }
    }

    fn key(&self, request: &mut Request, number: u64) -> Flow {
        let Some(keys) = self.segments.settings.keys else { return Flow::Status(404) };
        let is_used = |timeline: &Timeline| {
            timeline.segments.iter().any(|segment| keys.of(segment) == number)
        };
        if !self.watched.with(is_used) {
            return Flow::Status(404);
        }
        let zone = self.watched.hub().attachment.zone();
        let key = keys::key(zone, &self.channel, number);
        request.response.set_body(200, Str::from("application/octet-stream"), Str::copy(&key));
        request.response.add_header("Cache-Control", Str::from("no-store"));
        Flow::Respond
    }

    fn manifest(&self, request: &mut Request) -> Flow {
        let Some(settings) = self.segments.settings.dash else { return Flow::Status(404) };
        let names = self.addresses.by_time();
        let now = Some(rt::wall().as_millis() as u64);
        let playlist = self.segments.settings.longest(settings.playlist);
        let settings = dash::Settings { playlist, ..settings };
        let text = self.watched.with(|timeline| dash::manifest(timeline, settings, &names, now));
        let Some(text) = text else { return Flow::Status(404) };
        request.response.set_body(200, Str::from(MANIFEST), Str::from(text));
        request.response.add_header("Cache-Control", Str::from("no-cache"));
        Flow::Respond
    }

    fn timed(&self, request: &mut Request, track: Track, version: u32, base: u64) -> Flow {
        let number = self
            .watched
            .with(|timeline| timeline.segment_at(track, version, base).map(|segment| segment.msn));
        number.map_or(Flow::Status(404), |msn| self.media(request, track, msn, None))
    }

    fn playlist(&self, request: &mut Request, track: Track) -> Flow {
        if !self.segments.settings.hls {
            return Flow::Status(404);
        }
        if self.watched.with(|timeline| self.answer(timeline, track)) == Answer::Bad {
            return Flow::Status(400);
        }
        let skip = self.arguments.skip;
        let settings = &self.segments.settings;
        let names = self.addresses.by_track(track, settings.keys);
        let kind: &[u8] = if skip { b" delta " } else { b" whole " };
        let name = [track.stem().as_bytes(), kind, self.addresses.end().as_bytes()].concat();
        let make = |timeline: &Timeline| {
            let event = settings.kind == Kind::Event;
            let playlist = settings.longest(settings.playlist);
            let mut media = playlists::media(timeline, track, &names, playlist, event)?;
            media.skips = event || settings.reach.window.is_some();
            if media.part_target.is_some() {
                media.reports = self.reports(timeline, track);
            }
            Some(hls::playlist(&media, skip))
        };
        let text = match settings.viewers {
            // Each viewer has its own: nobody else asks for it.
            Some(ViewersBy::Query) => self.watched.with(make).map(Str::from),
            _ => self.watched.playlist(&name, make),
        };
        answers::playlist(request, text)
    }

    /// How far the playlist of the other track is.
    fn reports(&self, timeline: &Timeline, track: Track) -> Vec<hls::Report> {
        let other = if track == Track::Video { Track::Audio } else { Track::Video };
        let has = timeline.segments.back().is_some_and(|newest| newest.has(other));
        let uri = format!("{}.m3u8{}", other.stem(), self.addresses.end());
        has.then(|| playlists::report(timeline, other, uri)).flatten().into_iter().collect()
    }

    fn init(&self, request: &mut Request, track: Track, version: u32) -> Flow {
        let bytes = cache::get(request, self.watched.id, self.resource, || {
            self.watched.with(|timeline| {
                let of = |segment: &&Segment| segment.version == version;
                let segment = timeline.segments.iter().find(of)?;
                init(&segment.tracks, track).filter(|_| segment.format == Format::Cmaf)
            })
        });
        answers::media(request, Format::Cmaf, track, bytes)
    }

    /// Whether segments can be got before they are whole.
    fn in_chunks(&self) -> bool {
        self.segments.settings.dash.is_some_and(|dash| dash.low_latency)
    }

    fn media(&self, request: &mut Request, track: Track, msn: u64, part: Option<u32>) -> Flow {
        let found = self.watched.with(|timeline| timeline.segment(msn).cloned());
        if let Some(open) = found.as_ref().filter(|it| !it.whole && part.is_none())
            && self.in_chunks()
            && answers::is_named(request, open.format)
        {
            let has = match track {
                Track::Video => open.tracks.video.is_some(),
                Track::Audio => open.tracks.audio.is_some(),
            };
            if !has {
                return Flow::Status(404);
            }
            let growing = Growing::new(self.watched.clone(), track, msn, self.patience());
            let response = &mut request.response;
            response.status = 200;
            response.content_type = Some(Str::from(answers::media_type(open.format, track)));
            response.body = Body::Source(Box::new(growing));
            response.add_header("Cache-Control", Str::from(answers::CACHE));
            return Flow::Respond;
        }
        let Some(segment) = found.filter(|segment| segment.whole || part.is_some()) else {
            return Flow::Status(404);
        };
        if !answers::is_named(request, segment.format) || !segment.has(track) {
            return Flow::Status(404);
        }
        // One that is asked for by its time is the same as that by its number.
        let resource = match part {
            Some(part) => Resource::Part(track, msn, part),
            None => Resource::Segment(track, msn),
        };
        let bytes = cache::get(request, self.watched.id, resource, || {
            if segment.archived {
                return None;
            }
            let attachment = self.watched.hub().attachment;
            let part = part.map(|part| part as usize);
            let plain = timeline::bytes(attachment, self.watched.id, &segment, Some(track), part)?;
            Some(match self.segments.settings.keys.map(|keys| keys.of(&segment)) {
                None => plain,
                Some(number) => {
                    let key = keys::key(attachment.zone(), &self.channel, number);
                    keys::encrypt(key, number, &plain)
                }
            })
        });
        if bytes.is_none() && part.is_none() && self.archived().is_some() {
            return Flow::Wait;
        }
        answers::media(request, segment.format, track, bytes)
    }
}

/// What is behind the `?` of a stream's addresses: whoever may play by what the arguments say may have the segments by the same.
pub fn arguments_of(admitted: &Admitted, request: &Request) -> Vec<u8> {
    if !admitted.is_by_arguments() || request.args.is_empty() {
        return Vec::new();
    }
    let own = |part: &&[u8]| !part.starts_with(b"_HLS_");
    let parts: Vec<&[u8]> = request.args.split(|&byte| byte == b'&').filter(own).collect();
    // What could end a quoted name, or a line of the playlist, is no argument of ours.
    let clean = |byte: &u8| byte.is_ascii_graphic() && *byte != b'"';
    let joined = parts.join(&b'&');
    match joined.iter().all(clean) && !joined.is_empty() {
        true => [b"?", &joined[..]].concat(),
        false => Vec::new(),
    }
}

/// What a decoder needs first of a track.
fn init(tracks: &Tracks, track: Track) -> Option<Vec<u8>> {
    match track {
        Track::Video => fmp4::video_init(tracks.video.as_ref()?),
        Track::Audio => fmp4::audio_init(tracks.audio.as_ref()?),
    }
}
