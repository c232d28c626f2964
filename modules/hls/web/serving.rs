//! What of a stream is asked for by HLS and DASH, from memory.

use std::rc::Rc;

use http::{Flow, Request};
use mem::Str;
use proto::fmp4;
use proto::hls::{self, Answer, Arguments, Available};
use rtmp::Admitted;

use crate::applications;
use crate::dash;
use crate::keys;
use crate::master;
use crate::part::Format;
use crate::playlists;
use crate::segmenter::tracks::Tracks;
use crate::settings::{Kind, ViewersBy};
use crate::stream::Segments;
use crate::timeline::{self, Segment, Timeline, Track};
use crate::watch::{Watched, watch};
use crate::web::addresses::{Addresses, Place};
use crate::web::cache;
use crate::web::resource::Resource;
use crate::web::viewers;

const PLAYLIST: &str = "application/vnd.apple.mpegurl";
const MANIFEST: &str = "application/dash+xml";

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
        let end =
            viewers::arguments(request, admitted, &segments.settings, own, (lists, is_there))?;
        let addresses = Addresses::new(place, &end);
        if resource == Resource::Master && segments.settings.hls {
            return Err(respond_master(request, segments, admitted, &addresses));
        }
        let watched = watch(hub, &channel, segments.kept()).ok_or(Flow::Status(404))?;
        Ok(Serving { resource, arguments, segments, channel, watched, addresses })
    }

    /// Whether it is to come, and will be waited for.
    pub fn must_wait(&self) -> bool {
        self.watched.with(|timeline| match self.resource {
            Resource::Playlist(_) => self.answer(timeline) == Answer::Wait,
            Resource::Part(_, msn, part) => is_hinted(timeline, msn, part),
            Resource::Timed(track, base) => is_next(timeline, track, base),
            _ => false,
        })
    }

    fn answer(&self, timeline: &Timeline) -> Answer {
        hls::answer(self.arguments, available(timeline))
    }

    /// Waits for it, and answers with it.
    pub async fn wait(&self, request: &mut Request) -> Flow {
        let patience = self.watched.with(|timeline| 3000 * u64::from(timeline.target.max(1)));
        let until = rt::now() + patience;
        let there = match self.resource {
            Resource::Playlist(_) => {
                self.watched.wait(until, |timeline| self.answer(timeline) != Answer::Wait).await
            }
            Resource::Part(_, msn, part) => {
                self.watched.wait(until, |timeline| !is_hinted(timeline, msn, part)).await
            }
            Resource::Timed(track, base) => {
                let until = rt::now() + patience / 3;
                self.watched.wait(until, |timeline| !is_next(timeline, track, base)).await
            }
            _ => true,
        };
        match (there, self.resource) {
            (false, Resource::Playlist(_)) => Flow::Status(503),
            _ => self.respond(request),
        }
    }

    /// Answers with it.
    pub fn respond(&self, request: &mut Request) -> Flow {
        match self.resource {
            Resource::Master => Flow::Status(404),
            Resource::Manifest => self.manifest(request),
            Resource::Timed(track, base) => self.timed(request, track, base),
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
        let text = self.watched.with(|timeline| dash::manifest(timeline, settings, &names, now));
        let Some(text) = text else { return Flow::Status(404) };
        request.response.set_body(200, Str::from(MANIFEST), Str::from(text));
        request.response.add_header("Cache-Control", Str::from("no-cache"));
        Flow::Respond
    }

    fn timed(&self, request: &mut Request, track: Track, base: u64) -> Flow {
        let number = self
            .watched
            .with(|timeline| timeline.segment_at(track, base).map(|segment| segment.msn));
        number.map_or(Flow::Status(404), |msn| self.media(request, track, msn, None))
    }

    fn playlist(&self, request: &mut Request, track: Track) -> Flow {
        if !self.segments.settings.hls {
            return Flow::Status(404);
        }
        if self.watched.with(|timeline| self.answer(timeline)) == Answer::Bad {
            return Flow::Status(400);
        }
        let skip = self.arguments.skip;
        let settings = &self.segments.settings;
        let names = self.addresses.by_track(track, settings.keys);
        let kind: &[u8] = if skip { b" delta " } else { b" whole " };
        let name = [track.stem().as_bytes(), kind, self.addresses.end().as_bytes()].concat();
        let make = |timeline: &Timeline| {
            let event = settings.kind == Kind::Event;
            let mut media = playlists::media(timeline, track, &names, settings.playlist, event)?;
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
        respond_playlist(request, text)
    }

    /// How far the playlist of the other track is.
    fn reports(&self, timeline: &Timeline, track: Track) -> Vec<hls::Report> {
        let other = if track == Track::Video { Track::Audio } else { Track::Video };
        let has = timeline.segments.back().is_some_and(|newest| newest.has(other));
        let uri = format!("{}.m3u8{}", other.stem(), self.addresses.end());
        has.then(|| playlists::report(timeline, uri)).flatten().into_iter().collect()
    }

    fn init(&self, request: &mut Request, track: Track, version: u32) -> Flow {
        let bytes = cache::get(self.watched.id, self.resource, || {
            self.watched.with(|timeline| {
                let of = |segment: &&Segment| segment.version == version;
                let segment = timeline.segments.iter().find(of)?;
                init(&segment.tracks, track).filter(|_| segment.format == Format::Cmaf)
            })
        });
        self.respond_media(request, Format::Cmaf, track, bytes)
    }

    fn media(&self, request: &mut Request, track: Track, msn: u64, part: Option<u32>) -> Flow {
        let found = self.watched.with(|timeline| timeline.segment(msn).cloned());
        let Some(segment) = found.filter(|segment| segment.whole || part.is_some()) else {
            return Flow::Status(404);
        };
        let extension: &[u8] = match segment.format {
            Format::Ts => b".ts",
            Format::Cmaf => b".m4s",
        };
        if !request.uri.ends_with(extension) || !segment.has(track) {
            return Flow::Status(404);
        }
        let bytes = cache::get(self.watched.id, self.resource, || {
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
        self.respond_media(request, segment.format, track, bytes)
    }

    fn respond_media(
        &self,
        request: &mut Request,
        format: Format,
        track: Track,
        bytes: Option<Str>,
    ) -> Flow {
        let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else {
            return Flow::Status(404);
        };
        let kind = match (format, track) {
            (Format::Ts, _) => "video/mp2t",
            (Format::Cmaf, Track::Video) => "video/mp4",
            (Format::Cmaf, Track::Audio) => "audio/mp4",
        };
        request.response.set_body(200, Str::from(kind), bytes);
        request.response.allow_ranges = true;
        // A name never has other bytes.
        let cache = "max-age=86400, immutable";
        request.response.add_header("Cache-Control", Str::from(cache));
        Flow::Respond
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

fn respond_master(
    request: &mut Request,
    segments: &Segments,
    admitted: &Admitted,
    addresses: &Addresses,
) -> Flow {
    let name = admitted.name().rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let uri = |suffix: &str, track: Track| addresses.playlist(name, suffix, track);
    let hub = segments.zone.hub();
    let variants = &segments.settings.variants;
    let text = hub
        .and_then(|hub| master::playlist(hub, variants, segments.kept(), &admitted.channel(), uri));
    respond_playlist(request, text.map(Str::from))
}

fn respond_playlist(request: &mut Request, text: Option<Str>) -> Flow {
    let Some(text) = text else { return Flow::Status(404) };
    request.response.set_body(200, Str::from(PLAYLIST), text);
    request.response.add_header("Cache-Control", Str::from("no-cache"));
    Flow::Respond
}

/// What a decoder needs first of a track.
fn init(tracks: &Tracks, track: Track) -> Option<Vec<u8>> {
    match track {
        Track::Video => fmp4::video_init(tracks.video.as_ref()?),
        Track::Audio => fmp4::audio_init(tracks.audio.as_ref()?),
    }
}

/// What there is, for those who ask for what is to come.
fn available(timeline: &Timeline) -> Available {
    let count = |segment: &Segment| segment.parts.len() as u64;
    let mut newest = timeline.segments.iter().rev();
    let (whole, whole_parts, parts) = match (newest.next(), newest.next()) {
        (Some(newest), _) if newest.whole => (newest.msn, count(newest), 0),
        (Some(open), before) => (open.msn - 1, before.map_or(0, count), count(open)),
        (None, _) => (0, 0, 0),
    };
    let part_target = Some(timeline.part_target).filter(|target| *target > 0);
    Available { whole, whole_parts, parts, part_target, ended: timeline.ended.is_some() }
}

/// Whether a part is the one that comes next.
fn is_hinted(timeline: &Timeline, msn: u64, part: u32) -> bool {
    if timeline.ended.is_some() || timeline.part_target == 0 {
        return false;
    }
    let there = available(timeline);
    msn == there.whole + 1 && u64::from(part) == there.parts
}

/// Whether a segment by its time is the one that is open, or that comes next: players ask a little early.
fn is_next(timeline: &Timeline, track: Track, base: u64) -> bool {
    if timeline.ended.is_some() || timeline.segment_at(track, base).is_some() {
        return false;
    }
    let newest = timeline.segments.iter().rev().find(|segment| segment.has(track));
    newest.is_some_and(|newest| match newest.whole {
        true => newest.base(track) + newest.span(track).1 == base,
        false => newest.base(track) == base,
    })
}
