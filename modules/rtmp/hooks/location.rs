//! A hook's `Location`: under which name a client goes on.
//!
//! Frameworks make it absolute, or put a slash before it. What it cannot mean refuses: whoever uses a redirect to hide a
//! name would show it otherwise.

use std::net::{IpAddr, SocketAddr};

use sys::socket::Address;

use crate::client::Client;
use crate::listener;
use crate::name;
use crate::running::{self, ListenAddress};

/// A name, and the arguments behind it if there is a `?`.
type Name = (Vec<u8>, Option<Vec<u8>>);

/// The stream under which a client goes on: `NAME`, `/NAME`, `NAME?ARGS`, each with its application before the name or
/// without, or `rtmp://`, an address of its server, its application, and the name.
pub fn stream(location: &[u8], client: &Client) -> Result<Name, String> {
    let app = client.app.get().map_or(&b""[..], |app| app.name.as_bytes());
    let rest = match location.strip_prefix(b"rtmp://") {
        Some(rest) => here(rest, client, app).ok_or_else(|| {
            format!(
                "\"{}\" is no listen or server_name of this server with the application \"{}\", and streams are \
                 not relayed yet",
                shown(location),
                shown(app)
            )
        })?,
        None => {
            let is_app = |name: &[u8]| server(client).is_some_and(|it| it.app(name).is_some());
            within(relative(location)?, app, is_app).ok_or_else(|| {
                format!("the Location \"{}\" is of another application", shown(location))
            })?
        }
    };
    valid(rest, location)
}

/// The application to which a client goes on.
pub fn app(location: &[u8]) -> Result<Name, String> {
    valid(relative(location)?, location)
}

/// As it is told to an operator.
pub fn shown(location: &[u8]) -> String {
    let mut out = Vec::new();
    proto::escape::log(&location[..location.len().min(200)], &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// A colon in the first part ends a scheme (RFC 3986, section 4.2).
fn relative(location: &[u8]) -> Result<&[u8], String> {
    let path = name::split(location).0;
    let first = path.split(|&byte| byte == b'/').next().unwrap_or_default();
    let inner = path.windows(3).any(|three| three == b"://");
    match inner || first.contains(&b':') || path.starts_with(b"//") {
        true => Err(format!("the Location \"{}\" is an address, no name", shown(location))),
        false => Ok(location),
    }
}

/// What stands behind the application, if it stands before the name: frameworks make `/live/NAME` of `live/NAME`.
fn within<'a>(rest: &'a [u8], app: &[u8], is_app: impl Fn(&[u8]) -> bool) -> Option<&'a [u8]> {
    let bare = rest.strip_prefix(b"/").unwrap_or(rest);
    let path = name::split(bare).0;
    match path.iter().position(|&byte| byte == b'/') {
        Some(at) if &path[..at] == app => Some(&bare[at + 1..]),
        Some(at) if is_app(&path[..at]) => None,
        _ => Some(bare),
    }
}

/// Relative parts, fragments and escapes mean something else in an address than in a name; backslashes are slashes to
/// browsers.
fn valid(rest: &[u8], location: &[u8]) -> Result<Name, String> {
    let (path, args) = name::split(rest);
    let name = name::join(&[path]);
    let dots = path.split(|&byte| byte == b'/').any(|part| part == b"." || part == b"..");
    let odd = path.iter().any(|byte| matches!(byte, b'\\' | b'%'));
    let odd = odd || location.iter().any(|&byte| byte == b'#' || byte.is_ascii_control());
    let text = std::str::from_utf8(path).is_ok();
    if name.is_empty() || dots || odd || !text || !name::is_valid(&name) {
        return Err(format!("the Location \"{}\" is no name", shown(location)));
    }
    Ok((name, args.map(<[u8]>::to_vec)))
}

fn server(client: &Client) -> Option<&'static crate::settings::app::Server> {
    running::running()?.servers.get(client.server.get()).map(|server| &**server)
}

/// What stands behind an address of the client's server and its application. What the client says of the address by
/// which it has come proves nothing.
fn here<'a>(rest: &'a [u8], client: &Client, app: &[u8]) -> Option<&'a [u8]> {
    let at = rest.iter().position(|&byte| byte == b'/')?;
    let (host, port) = authority(&rest[..at])?;
    let ours = match sys::socket::local_address(client.conn.fd()) {
        Some(Address::Inet(address)) => Some(address.ip().to_canonical()),
        _ => None,
    };
    let found = find(running::running()?.listens, host, port, ours)?;
    if found != client.server.get() {
        return None;
    }
    rest[at + 1..].strip_prefix(app)?.strip_prefix(b"/")
}

/// The number of the server at an address, if only one can be meant. `ours`: an address of this machine.
fn find(listens: &[ListenAddress], host: &str, port: u16, ours: Option<IpAddr>) -> Option<usize> {
    let ip: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let inet = |plan: &ListenAddress| match &plan.address {
        Address::Inet(address) if address.port() == port => Some(*address),
        _ => None,
    };
    let is_listen = |address: SocketAddr| {
        let all = address.ip().is_unspecified();
        ip.is_some() && ip == if all { ours } else { Some(address.ip()) }
    };
    let mut found = listens.iter().filter_map(|plan| {
        let address = inet(plan)?;
        let (fit, server) = listener::best(&plan.servers, host.as_bytes());
        (fit > 0 || is_listen(address)).then_some(server.number)
    });
    let first = found.next()?;
    found.all(|number| number == first).then_some(first)
}

/// Host and port of an address; an address with a user's name is none of ours.
fn authority(text: &[u8]) -> Option<(&str, u16)> {
    let text = std::str::from_utf8(text).ok().filter(|text| !text.contains('@'))?;
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            Some((host, port.parse().ok().filter(|_| digits)?))
        }
        _ => Some((text, 1935)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_that_are_names() {
        let named = |location: &[u8]| {
            let found = app(location);
            found.map(|(name, args)| (String::from_utf8(name).expect("text"), args)).ok()
        };
        let is = |name: &str, args: Option<&str>| {
            Some((name.to_owned(), args.map(|args| args.as_bytes().to_vec())))
        };
        assert_eq!(named(b"public"), is("public", None));
        assert_eq!(named(b"/public"), is("public", None), "as nginx's own return 302 /public");
        assert_eq!(named(b"public?u=7"), is("public", Some("u=7")));
        assert_eq!(named(b"public?u=http://x"), is("public", Some("u=http://x")));
        assert_eq!(named(b"public?u=%20"), is("public", Some("u=%20")));
        assert_eq!(named(b"room//cam/"), is("room/cam", None));
        assert_eq!(named(b"my cam..2"), is("my cam..2", None));
        assert_eq!(named("caf\u{e9}".as_bytes()), is("caf\u{e9}", None));
        let bad: &[&[u8]] = &[
            b"",
            b"/",
            b"?a=b",
            b"http://h/public",
            b"rtmp://h/live/public",
            b"//h/public",
            b"http:/x/y",
            b"mailto:x",
            b"RTMP:x",
            b"x/http://y",
            b"HTTP%3a//h/pub",
            b"#frag",
            b"pub#x",
            b"pub?a=b#x",
            b"./pub",
            b"../pub",
            b"/..",
            b"a/../pub",
            b"..%2fa b",
            b"\\\\h\\pub",
            b"/\\h/pub",
            b"\xff\xfe",
            b"a\nb",
            b"pub?a\rb",
        ];
        for bad in bad {
            assert_eq!(named(bad), None, "{:?}", bad.escape_ascii().to_string());
        }
    }

    #[test]
    fn the_application_may_stand_before_the_name() {
        let within = |location: &'static str| {
            let found = within(location.as_bytes(), b"live", |name| name == b"vod");
            found.map(|found| std::str::from_utf8(found).expect("text"))
        };
        assert_eq!(within("/live/pub?a=b"), Some("pub?a=b"));
        assert_eq!(within("live/pub"), Some("pub"));
        assert_eq!(within("/live/"), Some(""), "no name, and so refused");
        assert_eq!(within("/live"), Some("live"), "a stream of that name");
        assert_eq!(within("/room/cam"), Some("room/cam"));
        assert_eq!(within("pub?x=/vod/y"), Some("pub?x=/vod/y"));
        assert_eq!((within("/vod/pub"), within("vod/pub")), (None, None));
    }

    /// What `listen` and `server_name` say, and on a wildcard where the client has really come.
    #[test]
    fn addresses_of_a_server() {
        use std::rc::Rc;

        use crate::settings::app::Server;

        let server = |number: usize, name: &str| {
            let names = vec![name.to_owned()];
            Rc::new(Server::new(number, vec![], names, &Default::default(), vec![], vec![]))
        };
        let plan = |address: &str, servers: Vec<Rc<Server>>| ListenAddress {
            address: Address::Inet(address.parse().expect("an address")),
            proxy_protocol: false,
            ssl: false,
            servers,
            has_default: false,
        };
        let (a, b) = (server(0, "a.example"), server(1, "*.example"));
        let listens = [
            plan("0.0.0.0:1935", vec![a.clone(), b.clone()]),
            plan("192.0.2.7:1936", vec![b.clone()]),
            plan("[::1]:1937", vec![a.clone()]),
            plan("192.0.2.1:1938", vec![a]),
            plan("192.0.2.2:1938", vec![b]),
        ];
        let ours = "192.0.2.1".parse().ok();
        let find = |host: &str, port: u16| find(&listens, host, port, ours);
        assert_eq!((find("a.example", 1935), find("b.example", 1935)), (Some(0), Some(1)));
        assert_eq!((find("192.0.2.1", 1935), find("192.0.2.2", 1935)), (Some(0), None));
        assert_eq!((find("192.0.2.7", 1936), find("192.0.2.1", 1936)), (Some(1), None));
        assert_eq!(
            (find("[::1]", 1937), find("", 1935), find("0.0.0.0", 1935)),
            (Some(0), None, None)
        );
        assert_eq!((find("192.0.2.2", 1938), find("a.example", 1938)), (Some(1), None), "in doubt");
        assert_eq!((find("a.example", 1939), find("elsewhere", 1935)), (None, None));
    }

    #[test]
    fn authorities() {
        assert_eq!(authority(b"Me.example"), Some(("Me.example", 1935)));
        assert_eq!(authority(b"me.example:1936"), Some(("me.example", 1936)));
        assert_eq!(authority(b"[::1]"), Some(("[::1]", 1935)));
        assert_eq!(authority(b"[::1]:7"), Some(("[::1]", 7)));
        for bad in ["me:", "me:+7", "me:65536", "user@me", "me:x"] {
            assert_eq!(authority(bad.as_bytes()), None, "{bad}");
        }
    }
}
