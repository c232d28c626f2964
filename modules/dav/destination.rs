//! Where COPY and MOVE go to: the `Destination` field, which must lead to this server and stay in the location's root.

use http::Request;
use mem::Str;

use crate::refusal::Refusal;

/// The path in `Destination`, decoded.
pub fn destination(request: &mut Request) -> Result<Str, Refusal> {
    let field = request.headers_named("destination").next().map(<[u8]>::to_vec);
    let field = field.ok_or_else(|| Refusal::new(400, "client sent no \"Destination\" header"))?;
    let shown = field.escape_ascii().to_string();
    let invalid =
        || Refusal::new(400, format!("client sent invalid \"Destination\" header: \"{shown}\""));
    let path = match field.first() {
        Some(b'/') => &field[..],
        _ => {
            let rest = behind_scheme(&field).ok_or_else(invalid)?;
            let at = rest.iter().position(|&byte| byte == b'/').ok_or_else(invalid)?;
            let host = proto::http1::host(&rest[..at]).map_err(|_| invalid())?;
            if !host.host.eq_ignore_ascii_case(&request.host) {
                let why = format!("\"{shown}\" is not on this host");
                return Err(Refusal::new(400, why));
            }
            &rest[at..]
        }
    };
    let (path, _) = proto::uri::split_args(path);
    let mut decoded = Vec::new();
    proto::uri::unescape(path, &mut decoded);
    // As nginx: such a path is not made sense of, even where it would stay inside.
    if decoded.split(|&byte| byte == b'/').any(|part| part == b"..") || decoded.contains(&0) {
        return Err(invalid());
    }
    let merge = request.location().settings.merge_slashes;
    let mut normal = Vec::new();
    proto::uri::normalize(path, merge, &mut normal).map_err(|_| invalid())?;
    Ok(request.pool.copy(&normal))
}

/// What is behind the scheme of a URL. A client writes the one that it speaks, which is another than this server's where somebody in front
/// of it ends TLS.
fn behind_scheme(url: &[u8]) -> Option<&[u8]> {
    let at = url.windows(3).position(|three| three == b"://")?;
    let (scheme, rest) = (&url[..at], &url[at + 3..]);
    let is_http = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
    is_http.then_some(rest)
}

/// `Overwrite`: whether what is there may be replaced.
pub fn may_overwrite(request: &Request) -> Result<bool, Refusal> {
    match request.headers_named("overwrite").next() {
        None | Some(b"T" | b"t") => Ok(true),
        Some(b"F" | b"f") => Ok(false),
        Some(other) => {
            let why =
                format!("client sent invalid \"Overwrite\" header: \"{}\"", other.escape_ascii());
            Err(Refusal::new(400, why))
        }
    }
}
