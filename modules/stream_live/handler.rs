//! The handler of a location: who asks for what, and whether it may.

use std::rc::Rc;

use hls::{Place, Resource, Serving};
use http::cors::Origins;
use http::{BoxFuture, Flow, Handler, Request, Template, websocket};
use mem::Str;
use proto::http1::Name;
use rtmp::{Admitted, Container, Newest, Refused, playing};

use crate::address::{self, Form};
use crate::{negotiate, page, picture};

/// The handler of a location.
pub struct Live {
    /// `APP/NAME`, with or without a suffix.
    pub stream: Template,
    /// Where browsers are sent that ask for a page.
    pub page: Option<Template>,
    /// Whose pages may play.
    pub origins: Rc<Origins>,
    /// How long what `on_play` has said holds, in milliseconds.
    pub recheck: u64,
}

/// What a client has asked for, and may have as far as the application's rules go.
struct Asked {
    admitted: Admitted,
    form: Form,
    /// It wants a WebSocket.
    upgrades: bool,
}

impl Asked {
    /// Whether its connection plays from now on: others ask again and again.
    fn is_playing(&self) -> bool {
        self.upgrades || matches!(self.form, Form::File(_))
    }
}

impl Handler for Live {
    fn handle(&self, request: &mut Request) -> Flow {
        if let Some(flow) = self.origins.answer_other_methods(request) {
            return flow;
        }
        self.origins.add_fields(request);
        let mut asked = match self.asked(request) {
            Ok(asked) => asked,
            Err(flow) => return flow,
        };
        if asked.is_playing() {
            // Who asks for a head plays nothing. The hook is asked in the slow path, which finds all this out again.
            if asked.admitted.must_ask() && !request.is_head() {
                return Flow::Wait;
            }
        } else {
            match asked.admitted.said() {
                Some(Ok(())) => {}
                Some(Err(why)) => return refuse(request, &why),
                None => return Flow::Wait,
            }
        }
        match self.answer(request, asked) {
            Ok(serving) if serving.must_wait() => Flow::Wait,
            Ok(serving) => serving.respond(request),
            Err(flow) => flow,
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async {
            let mut asked = match self.asked(request) {
                Ok(asked) => asked,
                Err(flow) => return flow,
            };
            let is_playing = asked.is_playing();
            if let Err(why) = self.ask(&mut asked.admitted, is_playing).await {
                return refuse(request, &why);
            }
            match self.answer(request, asked) {
                Ok(serving) => serving.wait(request).await,
                Err(flow) => flow,
            }
        })
    }
}

impl Live {
    /// What is asked for. The error is the answer.
    fn asked(&self, request: &mut Request) -> Result<Asked, Flow> {
        let path = self.stream.evaluate(request).to_vec();
        let (stream, form) = address::split(&path);
        let admitted = rtmp::admit_path(request, stream).map_err(|refused| match refused {
            Refused::NotFound => Flow::Status(404),
            Refused::Denied(why) => refuse(request, why),
        })?;
        let upgrades = matches!(form, None | Some(Form::File(Container::Flv)))
            && websocket::is_upgrade(request);
        if upgrades && !self.origins.admit(request) {
            return Err(refuse(request, "pages of this origin may not play here"));
        }
        let form = match form {
            Some(form) => form,
            None if upgrades => Form::File(Container::Flv),
            None => chosen(request, &admitted)?,
        };
        Ok(Asked { admitted, form, upgrades })
    }

    /// Asks `on_play`, if it is to be asked: whoever plays is always asked about.
    async fn ask(&self, admitted: &mut Admitted, is_playing: bool) -> Result<(), String> {
        if is_playing && admitted.must_ask() {
            return admitted.ask().await;
        }
        admitted.ask_if_unknown(self.recheck).await
    }

    /// Answers, or finds what HLS and DASH have, which may have to be waited for.
    fn answer(&self, request: &mut Request, asked: Asked) -> Result<Serving, Flow> {
        let Asked { admitted, form, upgrades } = asked;
        let resource = match form {
            _ if upgrades => return Err(playing::upgrade(request, admitted)),
            Form::File(container) => return Err(play(request, admitted, container)),
            Form::Picture => return Err(respond_picture(request, &admitted)),
            Form::Page => return Err(self.respond_page(request, &admitted)),
            Form::Playlist => Resource::Master,
            Form::Manifest => Resource::Manifest,
            Form::Resource(resource) => resource,
        };
        let place = match form {
            Form::Resource(_) => Place::Inside,
            _ => address::place(request.request_uri()),
        };
        Serving::of(request, &admitted, resource, place)
    }

    fn respond_page(&self, request: &mut Request, admitted: &Admitted) -> Flow {
        request.response.add_header("Cache-Control", Str::from("no-cache"));
        if let Some(page) = &self.page {
            let there = page.evaluate(request);
            // No page of the server's own: that would lose the fields.
            request.response.set_empty(302);
            request.response.location = Some(there);
            return Flow::Respond;
        }
        let args = String::from_utf8_lossy(&hls::arguments_of(admitted, request)).into_owned();
        let base = address::basename(request.request_uri());
        let mut sources = Vec::new();
        if !base.is_empty() {
            sources.push((format!("{base}.mp4{args}"), "video/mp4"));
        }
        if hls::has_hls(admitted.prefix()) {
            let list = if base.is_empty() { "index" } else { &base };
            sources.push((format!("{list}.m3u8{args}"), PLAYLIST));
        }
        // Apple's browsers play no file without an end. Chromium plays HLS, but now and then waits for ever.
        if is_apples(request.header(Name::UserAgent).unwrap_or_default()) {
            sources.reverse();
        }
        request.response.add_header("Vary", Str::from("User-Agent"));
        let page = Str::from(page::page(admitted.name(), &sources));
        request.response.set_body(200, Str::from("text/html; charset=utf-8"), page);
        Flow::Respond
    }
}

const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// Whether a browser is Apple's, or has to be like it.
fn is_apples(agent: &[u8]) -> bool {
    let names = |word: &[u8]| agent.windows(word.len()).any(|part| part == word);
    names(b"AppleWebKit/") && !names(b"Chrome/")
}

fn refuse(request: &mut Request, why: &str) -> Flow {
    request.error(sys::log::Level::Error, format_args!("a stream is refused: {why}"));
    Flow::Status(403)
}

/// The form that a client chooses of those that there are. The error is the answer.
fn chosen(request: &mut Request, admitted: &Admitted) -> Result<Form, Flow> {
    if !request.response.headers_named("vary").any(|vary| &vary[..] == b"Accept") {
        request.response.add_header("Vary", Str::from("Accept"));
    }
    let newest = admitted.newest();
    let is_there = |form| match form {
        Form::File(container) => admitted.unfit(container, newest.as_ref()).is_none(),
        Form::Playlist => hls::has_hls(admitted.prefix()),
        Form::Manifest => hls::has_dash(admitted.prefix()),
        _ => true,
    };
    negotiate::choose(&request.header_list("accept"), is_there).ok_or(Flow::Status(406))
}

/// Plays a stream in a container that has a place for what it consists of.
fn play(request: &mut Request, admitted: Admitted, container: Container) -> Flow {
    if container != Container::Flv {
        let newest: Option<Newest> = admitted.newest();
        if let Some(why) = admitted.unfit(container, newest.as_ref()) {
            request.error(sys::log::Level::Error, format_args!("there is no such file: {why}"));
            return Flow::Status(404);
        }
    }
    playing::respond(request, admitted, container)
}

fn respond_picture(request: &mut Request, admitted: &Admitted) -> Flow {
    let newest = admitted.newest();
    let Some((seq, movie)) = newest.as_ref().and_then(picture::of) else {
        return Flow::Status(404);
    };
    let response = &mut request.response;
    response.set_body(200, Str::from("video/mp4"), Str::from(movie));
    response.etag = Some(Str::from(format!("\"{seq:x}\"")));
    response.allow_ranges = true;
    response.add_header("Cache-Control", Str::from("max-age=1"));
    Flow::Respond
}
