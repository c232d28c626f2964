//! Whether an HTTP client may play a stream: the rules of the stream's application hold for it as for any player.

use std::rc::Rc;

use http::Request;
use mem::Str;
use proto::http1::Name;

use crate::access::rules::Deed;
use crate::client::{Asked, Client, Hello};
use crate::name;
use crate::running::{Running, running};
use crate::session::publish::permitted;
use crate::settings::app::App;

/// A stream that a request asks for, and that its client may play.
pub struct Admitted {
    pub(crate) running: &'static Running,
    pub(crate) app: &'static App,
    pub(crate) client: Rc<Client>,
    pub(crate) what: Asked,
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
        !self.app.keys.is_empty() || !self.app.signatures.is_empty()
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
    Ok(Admitted { running, app, client: Rc::new(client), what })
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
