//! `hls_viewers`: who asks is known by a token that it was given with a playlist.

use http::{Flow, Request};
use mem::Str;
use proto::http1::Name;
use proto::query;
use rtmp::{Admitted, ViewerLimits};

use crate::settings::{Settings, ViewersBy};

/// The cookie, and the argument.
const COOKIE: &str = "rserve_viewer";
const ARGUMENT: &str = "viewer";

/// What addresses end with for the viewer that asks: the stream's arguments, and its token if that is to be there. `lists`:
/// there will be addresses; `is_there`: there is such a stream, whose viewers are counted; `patience`: who asks for nothing for so many
/// milliseconds is none any more. The error is the answer to one that was sent away.
pub fn arguments(
    request: &mut Request,
    admitted: &Admitted,
    settings: &Settings,
    arguments: Vec<u8>,
    (lists, is_there): (bool, bool),
    patience: u64,
) -> Result<Vec<u8>, Flow> {
    let Some(by) = settings.viewers else { return Ok(arguments) };
    let told = match by {
        ViewersBy::Cookie => cookie(request),
        ViewersBy::Query => query::get(&request.args, ARGUMENT.as_bytes()),
    };
    let known = told.and_then(|token| Some((admitted.viewer(&token)?, token)));
    let token = match known {
        Some((id, token)) => {
            let limits = ViewerLimits { patience, most: settings.most_viewers };
            if is_there && !admitted.is_watched_by(id, limits) {
                request.error(sys::log::Level::Error, format_args!("a viewer was sent away"));
                return Err(Flow::Status(403));
            }
            token
        }
        // Who asks for a segment alone is nobody that comes again.
        None if !lists => return Ok(arguments),
        None => {
            let token = admitted.new_viewer().into_bytes();
            // A request that waits comes here twice.
            let is_told = request.response.header("set_cookie").is_some();
            if by == ViewersBy::Cookie && !is_told {
                let shown = String::from_utf8_lossy(&token);
                let secure = if request.connection.scheme() == "https" { "; Secure" } else { "" };
                let line = format!("{COOKIE}={shown}; Path=/; HttpOnly; SameSite=Lax{secure}");
                request.response.add_header("Set-Cookie", Str::from(line));
            }
            token
        }
    };
    match by {
        ViewersBy::Cookie => Ok(arguments),
        ViewersBy::Query => Ok(with_token(&arguments, &token)),
    }
}

fn cookie(request: &Request) -> Option<Vec<u8>> {
    let lines = request.head.values(Name::Cookie, &request.bytes);
    let mut pairs = lines.flat_map(|line| line.split(|&byte| byte == b';'));
    let value = |pair: &[u8]| {
        let value = pair.trim_ascii().strip_prefix(COOKIE.as_bytes())?.strip_prefix(b"=")?;
        Some(value.to_vec())
    };
    pairs.find_map(value)
}

/// The arguments with a token, in the place of any other.
fn with_token(arguments: &[u8], token: &[u8]) -> Vec<u8> {
    let mut all = b"?".to_vec();
    let others = arguments.strip_prefix(b"?").unwrap_or_default().split(|&byte| byte == b'&');
    let is_token = |part: &&[u8]| {
        part.strip_prefix(ARGUMENT.as_bytes()).is_some_and(|rest| rest.starts_with(b"="))
    };
    for part in others.filter(|part| !part.is_empty() && !is_token(part)) {
        all.extend_from_slice(part);
        all.push(b'&');
    }
    all.extend_from_slice(ARGUMENT.as_bytes());
    all.push(b'=');
    all.extend_from_slice(token);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_token_is_passed_on() {
        let with = |arguments: &str| {
            String::from_utf8(with_token(arguments.as_bytes(), b"T")).expect("text")
        };
        assert_eq!(with(""), "?viewer=T");
        assert_eq!(with("?key=a&expires=1"), "?key=a&expires=1&viewer=T");
        assert_eq!(with("?viewer=old&key=a&viewer=x&viewers=2"), "?key=a&viewers=2&viewer=T");
    }
}
