//! `record_play`: what was recorded of a stream.
//!
//! | name | what it is |
//! |---|---|
//! | *none* | the list, as JSON; without a stream's name that of the streams |
//! | `index.m3u8` | a span of time as a playlist |
//! | `video.mp4` | a span of time as a movie |
//! | *other* | a file by its name; `NAME.mp4?fmp4`: one of FLV as fragments |

use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::sync::Arc;

use http::cors::{AllowedHeaders, Origins};
use http::{Body, BoxFuture, Flow, Handler, Request, Source, Template};
use mem::{Buf, Str};
use proto::conditional::{Validators, if_range};
use proto::http1::{Method, Name};
use proto::multipart::{content_range, content_range_unsatisfied};
use proto::query;
use proto::range::{Ranges, Span as Bytes};
use rtmp::{Admitted, Refused};
use sys::log::Level;

use crate::file::name::escaped;
use crate::library::{Shelf, shelves};
use crate::play::catalogue::{self, Recording, is_gone, recordings};
use crate::play::clip::{Clip, Span, clips};
use crate::play::index::{self, Index};
use crate::play::medium::{Medium, Window};
use crate::play::movie::{Movie, Reader};
use crate::play::playlist::playlist;
use crate::play::snapshot::snapshot;
use crate::web::arguments::{Arguments, NAMES, Time};
use crate::web::film::Film;
use crate::web::list::{FRAGMENTS, fragments_url, list, list_streams, url};

/// The handler of a location.
pub struct Play {
    /// `APP/NAME`
    pub stream: Template,
    /// The recorder, if it is one.
    pub recorder: Option<Template>,
    /// Whose pages may play.
    pub origins: Rc<Origins>,
    /// `record_play_limit`
    pub limit: usize,
    /// `record_play_longest`
    pub longest: u64,
    /// How long what `on_play` has said holds, in milliseconds.
    pub recheck: u64,
}

const METHODS: &str = "GET, HEAD, OPTIONS";

/// What a request is about, for another thread.
struct Asked {
    /// The last part of the path.
    name: String,
    arguments: Arguments,
    shelves: Vec<Shelf>,
    /// The stream's name, escaped.
    stream: String,
    /// What names end with, beginning with an `&`.
    end: String,
    /// Now, in milliseconds of Unix time.
    now: u64,
    longest: u64,
}

impl Handler for Play {
    fn handle(&self, request: &mut Request) -> Flow {
        match request.method {
            Method::Get | Method::Head => {
                self.origins.add_fields(request);
                Flow::Wait
            }
            Method::Options => {
                request.response.set_empty(204);
                request.response.content_length = None;
                request.response.add_header("Allow", Str::from(METHODS));
                self.origins.add_fields(request);
                let headers = AllowedHeaders::named("Content-Type, Authorization, Range, If-Range");
                self.origins.add_preflight(request, METHODS, &headers);
                Flow::Respond
            }
            _ => {
                request.response.add_header("Allow", Str::from(METHODS));
                Flow::Status(405)
            }
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async {
            let mut admitted = match self.admitted(request) {
                Ok(admitted) => admitted,
                Err(flow) => return flow,
            };
            if let Err(why) = admitted.ask_if_unknown(self.recheck).await {
                return refuse(request, &why);
            }
            let asked = match self.asked(request, &admitted) {
                Ok(asked) => asked,
                Err(flow) => return flow,
            };
            let done = match (&*asked.name, asked.arguments.file) {
                _ if asked.stream.is_empty() => streams(request, &admitted, asked).await,
                ("", _) => self.list(request, asked).await,
                ("index.m3u8", false) => span(request, asked, true).await,
                ("video.mp4", false) => span(request, asked, false).await,
                _ if asked.arguments.fmp4 => fragments(request, asked).await,
                _ => file(request, asked).await,
            };
            done.unwrap_or_else(|error| failed(request, &error))
        })
    }
}

fn refuse(request: &mut Request, why: &str) -> Flow {
    request.error(Level::Error, format_args!("a recording is refused: {why}"));
    Flow::Status(403)
}

fn failed(request: &Request, error: &io::Error) -> Flow {
    if is_gone(error) {
        return Flow::Status(404);
    }
    request.error(Level::Error, format_args!("recordings cannot be read: {error}"));
    match error.kind() {
        ErrorKind::PermissionDenied => Flow::Status(403),
        _ => Flow::Status(500),
    }
}

impl Play {
    fn admitted(&self, request: &mut Request) -> Result<Admitted, Flow> {
        let mut path = self.stream.evaluate(request).to_vec();
        if !path.contains(&b'/') {
            path.push(b'/');
        }
        rtmp::admit_path(request, &path).map_err(|refused| match refused {
            Refused::NotFound => Flow::Status(404),
            Refused::Denied(why) => refuse(request, why),
        })
    }

    fn asked(&self, request: &mut Request, admitted: &Admitted) -> Result<Asked, Flow> {
        let recorder = self.recorder.as_ref().map(|recorder| recorder.evaluate(request).to_vec());
        let arguments = Arguments::of(&request.args).ok_or(Flow::Status(400))?;
        let name = request.uri.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        let name = std::str::from_utf8(name).map_err(|_| Flow::Status(404))?.to_owned();
        let wanted = |shelf: &&Shelf| {
            let is = |name: &Option<Vec<u8>>| {
                name.as_ref().is_none_or(|name| shelf.recorder.as_bytes() == &name[..])
            };
            is(&recorder) && is(&arguments.recorder)
        };
        Ok(Asked {
            name,
            shelves: shelves(admitted.prefix()).iter().filter(wanted).cloned().collect(),
            stream: escaped(admitted.name()),
            end: names_end(admitted, request),
            arguments,
            now: rt::wall().as_millis() as u64,
            longest: self.longest,
        })
    }

    async fn list(&self, request: &mut Request, asked: Asked) -> io::Result<Flow> {
        let limit = asked.arguments.limit.map_or(self.limit, |limit| limit.min(self.limit));
        let body = rt::offload(move || {
            let before = asked.arguments.before.map(|before| before.at(asked.now));
            list(&recordings(&asked.shelves, &asked.stream)?, before, limit, &asked.end)
        });
        let body = Str::from(body.await?);
        request.response.set_body(200, Str::from("application/json"), body);
        request.response.add_header("Cache-Control", Str::from("no-cache"));
        Ok(Flow::Respond)
    }
}

/// The streams of which something was recorded, and that the client may have.
async fn streams(request: &mut Request, admitted: &Admitted, asked: Asked) -> io::Result<Flow> {
    if !asked.name.is_empty() {
        return Ok(Flow::Status(404));
    }
    let mut streams = rt::offload(move || catalogue::streams(&asked.shelves)).await?;
    streams.retain(|stream| admitted.admits(&query::decode(stream.name.as_bytes())));
    let body = list_streams(&streams)?;
    request.response.set_body(200, Str::from("application/json"), Str::from(body));
    request.response.add_header("Cache-Control", Str::from("no-cache"));
    Ok(Flow::Respond)
}

/// Whoever may play by what the arguments say may have the files by the same.
fn names_end(admitted: &Admitted, request: &Request) -> String {
    if !admitted.is_by_arguments() {
        return String::new();
    }
    let own = |argument: &query::Argument<'_>| !NAMES.contains(&argument.name);
    let mut end = String::new();
    for query::Argument { name, value } in query::arguments(&request.args).filter(own) {
        let text = [name, b"=", value.unwrap_or_default()].concat();
        // What could end a quoted name, or a line of the playlist, is no argument of ours.
        match std::str::from_utf8(&text) {
            Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"') => {
                end.push('&');
                end.push_str(text);
            }
            _ => {}
        }
    }
    end
}

/// A file by its name.
async fn file(request: &mut Request, asked: Asked) -> io::Result<Flow> {
    let found = rt::offload(move || {
        let all = recordings(&asked.shelves, &asked.stream)?;
        let found = all.iter().find(|recording| recording.name == asked.name);
        snapshot(found.ok_or(ErrorKind::NotFound)?, asked.now)
    });
    let found = found.await?;
    let response = &mut request.response;
    response.status = 200;
    response.content_type = Some(Str::from(found.kind.media_type()));
    response.content_length = Some(found.size);
    response.last_modified = found.modified;
    response.etag = Some(Str::from(found.etag));
    response.allow_ranges = true;
    response.file = true;
    let head = found.head.len() as u64;
    response.body.clear();
    response.body.push(Buf::memory(Str::from(found.head)));
    response.body.push(Buf::file(Rc::new(found.file), head, found.size - head));
    response.add_header("Cache-Control", Str::from("no-cache"));
    Ok(Flow::Respond)
}

/// A file as fragments, whatever it is: what playlists name of FLV.
async fn fragments(request: &mut Request, asked: Asked) -> io::Result<Flow> {
    let found = rt::offload(move || {
        let all = recordings(&asked.shelves, &asked.stream)?;
        let name = asked.name.strip_suffix(FRAGMENTS).unwrap_or_default();
        let found = all.iter().find(|recording| recording.name == name);
        let recording = found.ok_or(ErrorKind::NotFound)?;
        let (file, stat) = recording.open()?;
        let index = |index: &Index| Ok((index.units.clone(), index.end));
        let (units, end) = index::with(recording, &file, stat.size, index)?;
        let units = units.ok_or(ErrorKind::NotFound)?;
        let begun = recording.entry.began.last().map_or(0, |(_, wall)| *wall);
        let etag = format!("\"{:x}.{begun:x}-{end:x}\"", stat.inode);
        io::Result::Ok((Medium::new(file, Some(units)), end, etag))
    });
    let (medium, len, etag) = found.await?;
    Ok(ranged(request, len, &etag, true, |bytes| {
        Box::new(Film::new(Window::new(medium, bytes.start, bytes.end)))
    }))
}

/// Recordings follow each other only where they are one recorder's: the first that has some.
fn by_one(all: Vec<Recording>, shelves: &[Shelf]) -> Vec<Recording> {
    let has = |shelf: &&Shelf| all.iter().any(|it| it.recorder == shelf.recorder);
    let Some(recorder) = shelves.iter().find(has).map(|shelf| shelf.recorder.clone()) else {
        return Vec::new();
    };
    all.into_iter().filter(|recording| recording.recorder == recorder).collect()
}

/// A span of time as a playlist, or as a movie.
async fn span(request: &mut Request, asked: Asked, segments: bool) -> io::Result<Flow> {
    if let Some(Time::Before(ago)) = asked.arguments.start {
        return Ok(redirect(request, asked.now.saturating_sub(ago)));
    }
    let Asked { arguments, shelves, stream, end: names, now, longest, .. } = asked;
    let found = rt::offload(move || {
        let start = arguments.start.map(|start| start.at(now));
        let all = by_one(recordings(&shelves, &stream)?, &shelves);
        let first = all.first().map(|recording| recording.entry.begin());
        let from = start.or(first).unwrap_or(0);
        let end = arguments.duration.map(|duration| from.saturating_add(duration));
        clips(&all, Span { start, end, longest, segments, now })
    });
    let (clips, ended) = found.await?;
    match (clips.is_empty(), segments) {
        (true, _) => Ok(Flow::Status(404)),
        (_, true) => {
            let names = |clip: &Clip| match clip.units {
                Some(_) => fragments_url(&clip.recording, &names),
                None => url(&clip.recording, &names),
            };
            let text = playlist(&clips, ended, names);
            let media_type = Str::from("application/vnd.apple.mpegurl");
            request.response.set_body(200, media_type, Str::from(text));
            request.response.add_header("Cache-Control", Str::from("no-cache"));
            Ok(Flow::Respond)
        }
        (_, false) => Ok(movie(request, clips, ended)),
    }
}

/// What is told by its distance from now is another at each moment: it is asked for again by its time.
fn redirect(request: &mut Request, start: u64) -> Flow {
    let mut location = Vec::new();
    proto::uri::escape(&request.uri, &mut location);
    let args = query::arguments(&request.args).filter(|argument| argument.name != b"start");
    location.extend_from_slice(format!("?start={}.{:03}", start / 1000, start % 1000).as_bytes());
    for query::Argument { name, value } in args {
        location.extend_from_slice(&[b"&", name].concat());
        if let Some(value) = value {
            location.extend_from_slice(&[b"=", value].concat());
        }
    }
    request.response.location = Some(Str::from(location));
    Flow::Status(302)
}

fn movie(request: &mut Request, clips: Vec<Clip>, ended: bool) -> Flow {
    let Some(movie) = Movie::of(clips).map(Arc::new) else { return Flow::Status(404) };
    let etag = movie.etag.clone();
    ranged(request, movie.len, &etag, ended, |bytes| {
        Box::new(Film::new(Reader::new(movie, bytes.start, bytes.end)))
    })
}

/// Answers with what is made while it is sent, or with a part of it; `ended`: it stays as it is, so that parts fit.
fn ranged(
    request: &mut Request,
    len: u64,
    etag: &str,
    ended: bool,
    body: impl FnOnce(Bytes) -> Box<dyn Source>,
) -> Flow {
    let wanted = if ended { range(request, len, etag) } else { Ranges::Ignore };
    let bytes = match wanted {
        Ranges::One(bytes) => bytes,
        Ranges::Unsatisfiable => {
            let mut value = Vec::new();
            content_range_unsatisfied(len, &mut value);
            request.response.add_header("Content-Range", Str::from(value));
            return Flow::Status(416);
        }
        _ => Bytes { start: 0, end: len },
    };
    let response = &mut request.response;
    response.status = 200;
    if matches!(wanted, Ranges::One(_)) {
        let mut value = Vec::new();
        content_range(bytes, len, &mut value);
        response.status = 206;
        response.add_header("Content-Range", Str::from(value));
    }
    response.content_type = Some(Str::from("video/mp4"));
    response.content_length = Some(bytes.len());
    response.etag = Some(Str::copy(etag.as_bytes()));
    response.accept_ranges = ended;
    response.add_header("Cache-Control", Str::from("no-cache"));
    response.body = Body::Source(body(bytes));
    Flow::Respond
}

/// The part that is asked for; with other conditions than its own it is all that is given.
fn range(request: &Request, len: u64, etag: &str) -> Ranges {
    let others = [Name::IfMatch, Name::IfNoneMatch, Name::IfModifiedSince, Name::IfUnmodifiedSince];
    let Some(value) = request.header(Name::Range) else { return Ranges::Ignore };
    let is_same = |condition: &[u8]| {
        let etag = Some(etag.as_bytes());
        if_range(condition, Validators { etag, last_modified: None })
    };
    if others.into_iter().any(|name| request.header(name).is_some())
        || request.header(Name::IfRange).is_some_and(|condition| !is_same(condition))
    {
        return Ranges::Ignore;
    }
    // One part: others would need a body of several.
    proto::range::parse(value, len, Some(1))
}
