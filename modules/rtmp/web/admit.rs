//! Whether an HTTP client may play a stream: the rules of the stream's application hold for it as for any player.

use std::rc::Rc;

use http::Request;
use mem::Str;
use proto::http1::Name;
use proto::query;

use crate::access::key::{self, Wish};
use crate::access::rules::Deed;
use crate::client::{Asked, Client, Hello};
use crate::hooks::call::{self, Verdict};
use crate::hooks::hook::HookEvent;
use crate::name;
use crate::play::mux;
use crate::play::newest::Newest;
use crate::play::output::Container;
use crate::publish::resume;
use crate::running::{Running, running};
use crate::session::publish::permitted;
use crate::settings::app::App;
use crate::viewers::{self, ViewerLimits, token};
use crate::web::verdicts;
use crate::web::viewer::wanted_tracks;

/// A stream that a request asks for, and that its client may play.
pub struct Admitted {
    pub(crate) running: &'static Running,
    pub(crate) app: &'static App,
    pub(crate) client: Rc<Client>,
    pub(crate) what: Asked,
    /// `on_play` has let it in.
    pub(crate) asked: bool,
}

/// Why a request does not get a stream.
pub enum Refused {
    /// There is no such application, or no stream can have that name.
    NotFound,
    /// The client may not play it.
    Denied(&'static str),
}

impl Admitted {
    /// The stream's name in the log.
    pub fn channel(&self) -> Vec<u8> {
        self.app.channel(&self.what.name)
    }

    /// What the names of all streams of the application begin with.
    pub fn prefix(&self) -> &'static str {
        &self.app.prefix
    }

    /// The stream's own name.
    pub fn name(&self) -> &[u8] {
        &self.what.name
    }

    /// Whether the client may play it because of what the request's arguments say.
    pub fn is_by_arguments(&self) -> bool {
        self.asked || !self.app.keys.is_empty() || !self.app.signatures.is_empty()
    }

    /// Whether it may play another stream of the application by the same arguments, as far as `on_play` need not be asked.
    pub fn admits(&self, name: &[u8]) -> bool {
        let what = Asked {
            name: name.to_vec(),
            args: self.what.args.clone(),
            since: self.what.since,
            ..Asked::default()
        };
        let peer = self.client.peer.get();
        permitted(self.app, Deed::Play, peer, &what, &Hello::default()).is_ok()
    }

    /// An address that has this request's arguments, as another stream of the application needs it: whoever may play this one is
    /// told of that one, so where this request is signed, so is that.
    pub fn address_of(&self, name: &[u8], address: String) -> String {
        let (app, args) = (self.app.name.as_bytes(), &self.what.args[..]);
        let wish = Wish { deed: Deed::Play, app, name: &self.what.name, args, outer: b"" };
        let given = query::get(args, b"sign").and_then(|given| String::from_utf8(given).ok());
        match (given, key::sign_for(&self.app.signatures, &wish, name)) {
            (Some(given), Some(sign)) => {
                address.replace(&format!("sign={given}"), &format!("sign={sign}"))
            }
            _ => address,
        }
    }

    /// Whether `on_play` is to be asked, too.
    pub fn must_ask(&self) -> bool {
        self.app.hooks.has(HookEvent::Play)
    }

    /// Asks `on_play`, which may give the stream another name. The error is why it refuses.
    pub async fn ask(&mut self) -> Result<(), String> {
        let verdict = call::ask(&self.app.hooks, HookEvent::Play, &self.client, &self.what).await;
        self.obey(verdict)
    }

    /// The same for a client that asks for a stream piece by piece: what was said of it holds for so many milliseconds.
    async fn ask_at_times(&mut self, valid: u64) -> Result<(), String> {
        let key = self.verdict_key();
        let verdict = call::ask(&self.app.hooks, HookEvent::Play, &self.client, &self.what).await;
        verdicts::keep(key, &verdict, valid);
        self.obey(verdict)
    }

    /// The same, if what was said still holds, without asking again.
    pub async fn ask_if_unknown(&mut self, valid: u64) -> Result<(), String> {
        match self.said() {
            Some(said) => said,
            None => self.ask_at_times(valid).await,
        }
    }

    /// What was said of it and still holds; `None`: it is to be asked.
    pub fn said(&mut self) -> Option<Result<(), String>> {
        if !self.must_ask() {
            return Some(Ok(()));
        }
        let verdict = verdicts::known(&self.verdict_key())?;
        Some(self.obey(verdict))
    }

    /// The number of a viewer without a connection that has this token; `None`: it is none of ours.
    pub fn viewer(&self, token: &[u8]) -> Option<u64> {
        token::read(self.running, token)
    }

    /// A token for one that has none.
    pub fn new_viewer(&self) -> String {
        token::new(self.running)
    }

    /// A viewer with this number asks for something of the stream. `false`: an operator has sent it away.
    pub fn is_watched_by(&self, id: u64, limits: ViewerLimits) -> bool {
        viewers::seen(self.running, self.app, &self.client, &self.what.name, id, limits)
    }

    fn verdict_key(&self) -> verdicts::Key {
        // What asks for a playlist that is to come is no part of who asks.
        let own = |part: &&[u8]| !part.starts_with(b"_HLS_");
        let args: Vec<&[u8]> = self.what.args.split(|&byte| byte == b'&').filter(own).collect();
        let address = self.client.address();
        verdicts::key(&[&self.channel(), address.as_bytes(), &args.join(&b'&')])
    }

    fn obey(&mut self, verdict: Verdict) -> Result<(), String> {
        self.asked = true;
        match verdict {
            Verdict::Yes => {}
            Verdict::No(why) => return Err(why),
            Verdict::Instead(name, args) => self.what.rename(name, args),
        }
        Ok(())
    }

    /// What there is of the stream; `None`: nobody publishes it.
    pub fn newest(&self) -> Option<Newest> {
        let attachment = self.running.hub.attachment;
        let id = attachment.zone().find(&self.channel())?;
        resume::is_live(attachment, id, self.app).then(|| Newest::of(attachment, id))
    }

    /// Why there is no such file of the stream, as far as that is known: it has no place for what is in it.
    pub fn unfit(&self, container: Container, newest: Option<&Newest>) -> Option<String> {
        let newest = newest?;
        let (audio, video) = wanted_tracks(&self.what.args);
        let video = newest.video.as_ref().filter(|_| video != Some(false));
        let audio = newest.audio.as_ref().filter(|_| audio != Some(false));
        match mux::fits(container, video, audio) {
            Err(mux::End::NoPlace(why)) => Some(why),
            _ => None,
        }
    }
}

/// The stream `APP/NAME`.
pub fn admit_path(request: &Request, path: &[u8]) -> Result<Admitted, Refused> {
    let at = path.iter().position(|&byte| byte == b'/').ok_or(Refused::NotFound)?;
    admit(request, &path[..at], None, name::join(&[&path[at + 1..]]))
}

/// A stream of an application; `port`: of a server there alone.
pub fn admit(
    request: &Request,
    app: &[u8],
    port: Option<u16>,
    name: Vec<u8>,
) -> Result<Admitted, Refused> {
    let running = running().ok_or(Refused::NotFound)?;
    let host = request.header(Name::Host).unwrap_or_default();
    let host = host.split(|&byte| byte == b':').next().unwrap_or_default();
    let app = running.app(app, port, host).ok_or(Refused::NotFound)?;
    let args = request.args.to_vec();
    let start = -1.0;
    let what = Asked { name, args, start, since: rt::wall(), ..Asked::default() };
    if !name::is_valid(&what.name) {
        return Err(Refused::NotFound);
    }
    permitted(app, Deed::Play, request.peer(), &what, &Hello::default())
        .map_err(Refused::Denied)?;
    let client = Client::new(request.connection.conn(), u32::MAX, app.server);
    client.peer.set(request.peer());
    client.app.set(Some(app));
    *client.hello.borrow_mut() = hello(request);
    Ok(Admitted { running, app, client: Rc::new(client), what, asked: false })
}

/// What an HTTP client says of itself, in RTMP's words.
fn hello(request: &Request) -> Hello {
    let header = |name: Name| request.header(name).unwrap_or_default().to_vec();
    let uri: Str = Str::copy(request.request_uri());
    let url = [b"http://", &header(Name::Host)[..], &uri[..]].concat();
    Hello {
        args: request.args.to_vec(),
        flash_version: header(Name::UserAgent),
        page_url: header(Name::Referer),
        tc_url: url,
        ..Hello::default()
    }
}
