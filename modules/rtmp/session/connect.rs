//! `connect`: which application, who the client says it is, whether it is let in.

use proto::rtmp::amf::Value;
use proto::rtmp::command::Command;
use proto::rtmp::message::{self, PeerLimit};

use crate::access::login::{self, Verdict};
use crate::access::rules::Deed;
use crate::hooks::call::{self, Verdict as Said};
use crate::hooks::hook::HookEvent;
use crate::name;
use crate::play::link;
use crate::play::status;
use crate::session::control::argument;
use crate::session::error::SessionError;
use crate::session::state::Session;
use crate::settings::app::App;

/// What Flash Media Server says of itself; clients look at its form.
const VERSION: &str = "FMS/3,0,1,123";
const CAPABILITIES: f64 = 31.0;

/// What a client's application name is made of.
#[derive(Debug, PartialEq, Eq)]
struct Address<'a> {
    app: &'a [u8],
    args: &'a [u8],
}

impl<'a> Address<'a> {
    /// `live`, `live/`, `live/_definst_`, `live?key=value`
    fn of(text: &'a [u8]) -> Address<'a> {
        let at = text.iter().position(|&byte| byte == b'?').unwrap_or(text.len());
        let (app, args) = (&text[..at], text.get(at + 1..).unwrap_or_default());
        let trim = |app: &'a [u8]| app.strip_suffix(b"/").unwrap_or(app);
        let app = trim(app);
        let app = app.strip_suffix(b"_definst_").map_or(app, trim);
        Address { app: app.strip_prefix(b"/").unwrap_or(app), args }
    }

    /// What stands in `tcUrl` behind the host.
    fn of_url(url: &'a [u8]) -> Address<'a> {
        let host = url.windows(3).position(|three| three == b"://").map_or(0, |at| at + 3);
        let path = url[host..].iter().position(|&byte| byte == b'/').map(|at| host + at + 1);
        Address::of(path.and_then(|at| url.get(at..)).unwrap_or_default())
    }
}

impl Session {
    pub(super) async fn connect(&mut self, command: &Command<'_>) -> Result<(), SessionError> {
        if self.connected {
            return Err(SessionError::Refused("the client connects twice".to_owned()));
        }
        let object = command.arguments.first();
        let get = |name: &str| object.and_then(|object| object.get(name));
        let text = |name: &str| get(name).and_then(Value::as_bytes).unwrap_or_default();
        let mut address = Address::of(text("app"));
        if address.app.is_empty() {
            address = Address::of_url(text("tcUrl"));
        }
        self.server = self.listener.server(host(text("tcUrl")));
        self.check_certificate()?;
        self.flow.set_server(self.server);
        self.client.server.set(self.server.number);
        // Cut off, a token would be a wrong one: what is too long is refused.
        let most = self.server.max_args;
        let given = ["app", "tcUrl", "flashVer", "swfUrl", "pageUrl"];
        if let Some(name) = given.iter().find(|name| text(name).len() > most) {
            let why = format!("\"{name}\" is longer than {most} bytes (max_args)");
            return Err(self.refuse_connect(&why));
        }
        {
            let mut hello = self.client.hello.borrow_mut();
            hello.app = address.app.to_vec();
            hello.args = address.args.to_vec();
            hello.flash_version = text("flashVer").to_vec();
            hello.swf_url = text("swfUrl").to_vec();
            hello.tc_url = text("tcUrl").to_vec();
            hello.page_url = text("pageUrl").to_vec();
        }
        let publisher = text("type") == b"nonprivate" || text("flashVer").starts_with(b"FMLE/");
        let app = self.asked_app(address.app);
        let app = self.ask_on_connect(app, address.app).await?;
        let Some(app) = app else {
            let why = {
                let hello = self.client.hello.borrow();
                format!("there is no application \"{}\" here", String::from_utf8_lossy(&hello.app))
            };
            return Err(self.refuse_connect(&why));
        };
        self.client.app.set(Some(app));
        self.log_in(app, publisher)?;
        self.count_in(app)?;
        self.connected = true;
        self.let_in(object);
        self.set_timeout();
        Ok(())
    }

    /// The application, and what of an instance's name stands before its streams' names.
    ///
    /// It is the longest that fits. Where a client has cut the address short of it, the rest is taken from the stream's
    /// name, provided that there is but one such application.
    fn asked_app(&mut self, name: &[u8]) -> Option<&'static App> {
        self.instance.clear();
        self.rest_of_app.clear();
        if let Some(app) = self.server.app(name) {
            return Some(app);
        }
        let name = name::join(&[name]);
        let slashes = name.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let mut ends: Vec<usize> = slashes.chain([name.len()]).collect();
        while let Some(end) = ends.pop() {
            let Some(app) = self.server.app(&name[..end]) else { continue };
            self.instance = name.get(end + 1..).unwrap_or_default().to_vec();
            return Some(app);
        }
        let begin = [&name[..], b"/"].concat();
        let mut longer =
            self.server.apps.iter().filter(|app| app.name.as_bytes().starts_with(&begin));
        let (app, None) = (longer.next()?, longer.next()) else { return None };
        self.rest_of_app = app.name.as_bytes()[begin.len()..].to_vec();
        Some(app)
    }

    async fn ask_on_connect(
        &mut self,
        app: Option<&'static App>,
        name: &[u8],
    ) -> Result<Option<&'static App>, SessionError> {
        let hooks = &self.server.hooks;
        let said = call::ask_connect(hooks, HookEvent::Connect, &self.client, name).await;
        match said {
            Said::Yes => Ok(app),
            Said::No(why) => {
                let _ = self.refuse_connect("the client is not let in");
                Err(SessionError::Hook(why))
            }
            Said::Instead(name, args) => {
                let app = self.asked_app(&name);
                let mut hello = self.client.hello.borrow_mut();
                hello.app = name;
                if let Some(args) = args {
                    hello.args = args;
                }
                Ok(app)
            }
        }
    }

    /// Refuses in words, and gives the error that ends the session.
    fn refuse_connect(&self, why: &str) -> SessionError {
        let info = status::info("error", "NetConnection.Connect.Rejected", why);
        self.answer(b"_error", 1.0, &[Value::Null, info]);
        SessionError::Refused(format!("a connection is refused: {why}"))
    }

    fn log_in(&self, app: &App, publisher: bool) -> Result<(), SessionError> {
        let deed = if publisher { Deed::Publish } else { Deed::Play };
        let args = self.client.hello.borrow().args.clone();
        let asks = proto::query::get(&args, b"authmod").is_some();
        if app.logins.is_empty() || !(asks || login::needed(&app.logins, deed)) {
            return Ok(());
        }
        let now = rt::wall().as_secs();
        match login::judge(&app.logins, &args, &self.running.secret(), now) {
            Verdict::User(user) => {
                self.client.hello.borrow_mut().user = Some(user);
                Ok(())
            }
            Verdict::Refused(why) => {
                self.refuse_connect(&why);
                // Every login begins with refusals that tell how; only these two are the last word.
                match why.contains("reason=authfailed") || why.contains("reason=nosuchuser") {
                    true => Err(SessionError::Refused(
                        "a login is refused: wrong user or password".to_owned(),
                    )),
                    false => Err(SessionError::LogIn),
                }
            }
        }
    }

    /// Counts the client, unless there are too many.
    fn count_in(&mut self, app: &App) -> Result<(), SessionError> {
        let most = [self.server.max_connections, app.max_connections];
        let most = most.into_iter().filter(|most| *most > 0).min();
        self.counted = true;
        let count = self.hub.attachment.count_client();
        if most.is_some_and(|most| u64::from(count) > most) {
            return Err(self.refuse_connect("there are as many connections as there may be"));
        }
        Ok(())
    }

    fn let_in(&mut self, object: Option<&Value<'_>>) {
        let window = self.server.ack_window;
        self.control(message::WINDOW_ACK_SIZE, &message::window_ack_size(window));
        let bandwidth = message::peer_bandwidth(window, PeerLimit::Dynamic);
        self.control(message::PEER_BANDWIDTH, &bandwidth);
        self.outlet(|outlet| link::set_chunk_size(outlet, self.server.chunk_size));
        let get = |name: &str| object.and_then(|object| object.get(name));
        let encoding = get("objectEncoding").and_then(Value::as_f64).unwrap_or(0.0);
        let mut properties: Vec<(&[u8], Value<'_>)> =
            vec![(b"fmsVer", VERSION.into()), (b"capabilities", CAPABILITIES.into())];
        // Enhanced RTMP: whatever the client can, passes through here untouched.
        if let Some(Value::StrictArray(list)) = get("fourCcList") {
            properties.push((b"fourCcList", Value::StrictArray(list.clone())));
        }
        for name in ["videoFourCcInfoMap", "audioFourCcInfoMap"] {
            if let Some(map @ Value::Object(_)) = get(name) {
                properties.push((name.as_bytes(), map.clone()));
            }
        }
        let info = Value::Object(vec![
            (b"level", "status".into()),
            (b"code", "NetConnection.Connect.Success".into()),
            (b"description", "Connection succeeded.".into()),
            (b"objectEncoding", encoding.into()),
        ]);
        self.answer(b"_result", 1.0, &[Value::Object(properties), info]);
    }

    /// A stream's name and arguments as a client gives them.
    pub(super) fn stream_name(&self, text: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let (name, args) = name::split(text);
        let mut name = name::join(&[&self.instance, name]);
        if !self.rest_of_app.is_empty() {
            let rest = name.strip_prefix(&self.rest_of_app[..])?;
            name = match rest {
                [] => Vec::new(),
                [b'/', rest @ ..] => rest.to_vec(),
                _ => return None,
            };
        }
        Some((name, args.unwrap_or_default().to_vec()))
    }

    /// The name that a command asks for; the error says why it is none.
    pub(super) fn asked_name(
        &self,
        command: &Command<'_>,
    ) -> Result<(Vec<u8>, Vec<u8>), &'static str> {
        let text = argument(command, 1).and_then(Value::as_bytes).ok_or("There is no name")?;
        let (name, args) = self.stream_name(text).ok_or("There is no such application")?;
        match name::is_valid(&name) {
            false => Err("That is no name for a stream"),
            true if args.len() > self.server.max_args => {
                Err("The arguments are too long (max_args)")
            }
            true => Ok((name, args)),
        }
    }
}

/// The host in `tcUrl`, without a port.
fn host(url: &[u8]) -> &[u8] {
    let begin = url.windows(3).position(|three| three == b"://").map_or(url.len(), |at| at + 3);
    let rest = &url[begin..];
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let (begin, end) = match rest[..end].iter().rposition(|&byte| byte == b'@') {
        Some(at) => (at + 1, end),
        None => (0, end),
    };
    let host = &rest[begin..end];
    match host.first() {
        // An IPv6 address.
        Some(b'[') => {
            let end = host.iter().position(|&byte| byte == b']').map_or(host.len(), |at| at + 1);
            &host[..end]
        }
        _ => host.split(|&byte| byte == b':').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_as_clients_name_them() {
        for text in ["live", "live/", "/live", "live/_definst_", "live/_definst_/"] {
            assert_eq!(Address::of(text.as_bytes()), Address { app: b"live", args: b"" }, "{text}");
        }
        let with_args = Address { app: b"live", args: b"a=b?c" };
        assert_eq!(Address::of(b"live?a=b?c"), with_args);
        assert_eq!(Address::of_url(b"rtmp://host:1935/live?a=b?c"), with_args);
        assert_eq!(Address::of_url(b"rtmp://host"), Address { app: b"", args: b"" });
        assert_eq!(Address::of(b"live/cam").app, b"live/cam");
    }
}
