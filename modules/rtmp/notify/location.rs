//! A hook's `Location`: under which name a client goes on.
//!
//! Frameworks make it absolute, or put a slash before it. What it cannot mean refuses: whoever uses a redirect to hide a
//! name would show it otherwise.

use crate::client::Client;
use crate::name;

/// A name, and the arguments behind it if there is a `?`.
type Name = (Vec<u8>, Option<Vec<u8>>);

/// The stream under which a client goes on: `NAME`, `/NAME`, `NAME?ARGS`, or `rtmp://` the address by which the client
/// has come, its application, and the name.
pub fn stream(location: &[u8], client: &Client) -> Result<Name, String> {
    let rest = match location.strip_prefix(b"rtmp://") {
        Some(rest) => {
            let (host, app) = (authority(&client.hello.borrow().tc_url), client.app.get());
            let app = app.map_or(&b""[..], |app| app.name.as_bytes());
            here(rest, &host, app).ok_or_else(|| {
                let to = shown(location);
                format!("\"{to}\" is another server, and streams are not relayed yet")
            })?
        }
        None => relative(location)?,
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

fn relative(location: &[u8]) -> Result<&[u8], String> {
    let path = name::split(location).0;
    let scheme = path.windows(3).any(|three| three == b"://") || path.starts_with(b"//");
    match scheme {
        true => Err(format!("the Location \"{}\" is an address, no name", shown(location))),
        false => Ok(location),
    }
}

fn valid(rest: &[u8], location: &[u8]) -> Result<Name, String> {
    let (name, args) = name::split(rest);
    let name = name::join(&[name]);
    if name.is_empty() || !name::is_valid(&name) {
        return Err(format!("the Location \"{}\" is no name", shown(location)));
    }
    Ok((name, args.map(<[u8]>::to_vec)))
}

/// What stands behind this server's address and the application.
fn here<'a>(rest: &'a [u8], host: &[u8], app: &[u8]) -> Option<&'a [u8]> {
    let at = rest.iter().position(|&byte| byte == b'/')?;
    if host.is_empty() || with_port(&rest[..at]) != host {
        return None;
    }
    rest[at + 1..].strip_prefix(app)?.strip_prefix(b"/")
}

/// Host and port of an address.
fn authority(url: &[u8]) -> Vec<u8> {
    let Some(rest) = url.strip_prefix(b"rtmp://") else { return Vec::new() };
    with_port(rest.split(|byte| matches!(byte, b'/' | b'?')).next().unwrap_or_default())
}

fn with_port(authority: &[u8]) -> Vec<u8> {
    let host = authority.rsplit(|&byte| byte == b'@').next().unwrap_or_default();
    let has_port = host
        .iter()
        .rposition(|&byte| byte == b':')
        .is_some_and(|at| at + 1 < host.len() && host[at + 1..].iter().all(u8::is_ascii_digit));
    let host = host.to_ascii_lowercase();
    if has_port || host.is_empty() { host } else { [&host[..], b":1935"].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_that_are_names() {
        let named = |location: &str| {
            let found = app(location.as_bytes());
            found.map(|(name, args)| (String::from_utf8(name).expect("text"), args)).ok()
        };
        let is = |name: &str, args: Option<&str>| {
            Some((name.to_owned(), args.map(|args| args.as_bytes().to_vec())))
        };
        assert_eq!(named("public"), is("public", None));
        assert_eq!(named("/public"), is("public", None), "as nginx's own return 302 /public");
        assert_eq!(named("public?u=7"), is("public", Some("u=7")));
        assert_eq!(named("public?u=http://x"), is("public", Some("u=http://x")));
        assert_eq!(named("room//cam/"), is("room/cam", None));
        for bad in
            ["", "/", "?a=b", "http://h/public", "rtmp://h/live/public", "//h/public", "a\nb"]
        {
            assert_eq!(named(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn this_server_by_its_address() {
        let host = authority(b"rtmp://Me.example/live?a=b");
        assert_eq!(host, b"me.example:1935");
        assert_eq!(here(b"me.example/live/other?a=b", &host, b"live"), Some(&b"other?a=b"[..]));
        assert_eq!(here(b"me.example:1935/live/other", &host, b"live"), Some(&b"other"[..]));
        for other in [
            "you.example/live/x",
            "me.example:1936/live/x",
            "me.example/vod/x",
            "me.example/lively/x",
        ] {
            assert_eq!(here(other.as_bytes(), &host, b"live"), None, "{other}");
        }
        assert_eq!(here(b"me.example/live/x", &authority(b"http://me.example/"), b"live"), None);
    }
}
