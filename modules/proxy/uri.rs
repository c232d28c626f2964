//! What is asked of an upstream for a request's URI.

use http::Request;
use proto::uri;

use crate::pass::Place;

/// Appends the target of the request that goes out. `prefix`: how much of the URI is the location's own, which `proxy_pass`
/// may replace. The error: it would be empty.
pub fn write(
    request: &Request,
    place: &Place,
    prefix: usize,
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    let start = out.len();
    match &place.uri {
        Some(whole) if place.is_whole => out.extend_from_slice(whole),
        None if is_as_sent(request) => out.extend_from_slice(origin_form(request.request_uri())),
        replacement => {
            // A rewritten URI is not the one that the location was chosen by.
            let replaces = !request.broke_off;
            let replacement = replacement.as_deref().filter(|_| replaces);
            let cut = if replacement.is_some() { prefix.min(request.uri.len()) } else { 0 };
            out.extend_from_slice(replacement.unwrap_or_default());
            let rest = &request.uri[cut..];
            let was_escaped = request.internal || request.request_uri().contains(&b'%');
            match was_escaped {
                true => uri::escape(rest, out),
                false => out.extend_from_slice(rest),
            }
            if !request.args.is_empty() {
                out.push(b'?');
                out.extend_from_slice(&request.args);
            }
        }
    }
    if out.len() == start {
        return Err("zero length URI to proxy");
    }
    // What a variable has brought may not end the line.
    let is_plain = |&byte: &u8| byte > b' ' && byte != 0x7f;
    match out[start..].iter().all(is_plain) {
        true => Ok(()),
        false => Err("the URI to proxy has spaces or control characters in it"),
    }
}

/// Whether URI and arguments are still those that the client has sent.
fn is_as_sent(request: &Request) -> bool {
    if request.internal || request.broke_off || request.is_subrequest() {
        return false;
    }
    let sent = origin_form(request.request_uri());
    let (path, args) = uri::split_args(sent);
    if args.unwrap_or_default() != &request.args[..] {
        return false;
    }
    if path == &request.uri[..] {
        return true;
    }
    let mut normal = Vec::with_capacity(path.len());
    let merge_slashes = request.location().settings.merge_slashes;
    uri::normalize(path, merge_slashes, &mut normal).is_ok() && normal == request.uri[..]
}

/// Of `http://host/path` what stands behind the host.
fn origin_form(target: &[u8]) -> &[u8] {
    if target.starts_with(b"/") {
        return target;
    }
    let Some(at) = target.windows(3).position(|three| three == b"://") else { return target };
    let behind = &target[at + 3..];
    let path = behind.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    path.map_or(b"/", |at| &behind[at..])
}

#[cfg(test)]
mod tests {
    use super::origin_form;

    #[test]
    fn the_host_is_no_part_of_what_is_asked() {
        assert_eq!(origin_form(b"/a?b"), b"/a?b");
        assert_eq!(origin_form(b"http://h/a"), b"/a");
        assert_eq!(origin_form(b"http://h?a"), b"?a");
        assert_eq!(origin_form(b"http://h"), b"/");
        assert_eq!(origin_form(b"*"), b"*");
    }
}
