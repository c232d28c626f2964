//! PROPFIND: what is known of a file, or of a directory and what is in it (RFC 4918, 9.1).
//!
//! ```text
//! asked:    <propfind xmlns="DAV:"> allprop | propname | prop(name*) </propfind>, or nothing: allprop; Depth: 0, 1
//! answered: 207 <multistatus> response(href propstat(prop status)*)* </multistatus>
//! ```

use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::UNIX_EPOCH;

use http::{Flow, Request};
use mem::Str;
use proto::escape;
use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;

use crate::refusal::Refusal;

/// A client asks for no more than this.
const LONGEST: usize = 64 << 10;

/// What is asked for.
enum Wanted {
    All,
    Names,
    /// By namespace and name.
    These(Vec<(Vec<u8>, Vec<u8>)>),
}

/// Answers PROPFIND.
pub async fn propfind(request: &mut Request) -> Result<Flow, Refusal> {
    let body = request.read_body(LONGEST).await;
    let body = body.map_err(|error| Refusal::new(error.status(), error.to_string()))?;
    let wanted = wanted(&body).ok_or_else(|| Refusal::new(400, "the body is no propfind"))?;
    let deep = match request.headers_named("depth").next() {
        Some(b"0") => false,
        Some(b"1") => true,
        // RFC 4918, 9.1: a server need not go on without end.
        None | Some(b"infinity") => {
            return Err(Refusal::new(403, "a PROPFIND has a depth of 0 or 1"));
        }
        Some(_) => return Err(Refusal::new(400, "client sent invalid \"Depth\" header")),
    };
    let mapped = request.map_path().map_err(|status| Refusal::new(status, "it has no path"))?;
    let (path, uri) = (mapped.path.to_vec(), request.uri.to_vec());
    let listed = rt::offload(move || {
        let here = Path::new(OsStr::from_bytes(&path)).to_owned();
        list(&here, &uri, deep, &wanted).map_err(|error| Refusal::of(&error, 404, "stat()", &here))
    });
    let body = listed.await?;
    request.response.set_body(207, Str::from("text/xml; charset=utf-8"), Str::from(body));
    Ok(Flow::Respond)
}

/// Reads what is asked for; `None`: it cannot be read.
fn wanted(body: &[u8]) -> Option<Wanted> {
    if body.trim_ascii().is_empty() {
        return Some(Wanted::All);
    }
    let mut reader = NsReader::from_reader(body);
    let (mut depth, mut found, mut names) = (0, None, Vec::new());
    loop {
        let (namespace, event) = reader.read_resolved_event().ok()?;
        let namespace = match namespace {
            ResolveResult::Bound(namespace) => namespace.into_inner().as_bytes().to_vec(),
            ResolveResult::Unbound => Vec::new(),
            ResolveResult::Unknown(_) => return None,
        };
        let (element, ends) = match event {
            Event::Start(element) => (element, false),
            Event::Empty(element) => (element, true),
            Event::End(_) => {
                depth -= 1;
                continue;
            }
            Event::Eof => break,
            // Nobody needs one here, and it may name other files.
            Event::DocType(_) => return None,
            _ => continue,
        };
        let name = element.local_name().into_inner().as_bytes().to_vec();
        match (depth, &namespace[..], &name[..]) {
            (0, b"DAV:", b"propfind") => {}
            (0, ..) => return None,
            (1, b"DAV:", b"allprop") => found = Some(Wanted::All),
            (1, b"DAV:", b"propname") => found = Some(Wanted::Names),
            (1, b"DAV:", b"prop") => found = Some(Wanted::These(Vec::new())),
            (2, ..) if matches!(found, Some(Wanted::These(_))) => names.push((namespace, name)),
            _ => {}
        }
        depth += i32::from(!ends);
    }
    match (depth, found) {
        (0, Some(Wanted::These(_))) => Some(Wanted::These(names)),
        (0, found) => found,
        _ => None,
    }
}

fn list(path: &Path, uri: &[u8], deep: bool, wanted: &Wanted) -> std::io::Result<Vec<u8>> {
    let mut out =
        b"<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<D:multistatus xmlns:D=\"DAV:\">\n".to_vec();
    let own = std::fs::metadata(path)?;
    let mut uri = uri.to_vec();
    if own.is_dir() && !uri.ends_with(b"/") {
        uri.push(b'/');
    }
    response(&uri, &own, wanted, &mut out);
    if deep && own.is_dir() {
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name().into_vec();
            // What has gone meanwhile, or leads nowhere, is not there.
            let Ok(metadata) = std::fs::metadata(entry.path()) else { continue };
            let mut uri = [&uri[..], &name].concat();
            if metadata.is_dir() {
                uri.push(b'/');
            }
            response(&uri, &metadata, wanted, &mut out);
        }
    }
    out.extend_from_slice(b"</D:multistatus>\n");
    Ok(out)
}

/// The properties that are known, of files and of directories.
const KNOWN: [&str; 6] = [
    "displayname",
    "getcontentlength",
    "getetag",
    "getlastmodified",
    "resourcetype",
    "supportedlock",
];

fn response(uri: &[u8], metadata: &Metadata, wanted: &Wanted, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<D:response>\n<D:href>");
    let mut escaped = Vec::new();
    proto::uri::escape(uri, &mut escaped);
    escape::html(&escaped, out);
    out.extend_from_slice(b"</D:href>\n<D:propstat><D:prop>");
    let mut missing = Vec::new();
    match wanted {
        Wanted::All => KNOWN.iter().for_each(|name| {
            property(name, uri, metadata, out);
        }),
        Wanted::Names => {
            KNOWN.iter().for_each(|name| out.extend_from_slice(format!("<D:{name}/>").as_bytes()));
        }
        Wanted::These(names) => {
            for (namespace, name) in names {
                let known = std::str::from_utf8(name).ok().filter(|_| namespace == b"DAV:");
                if !known.is_some_and(|name| property(name, uri, metadata, out)) {
                    missing.push((namespace, name));
                }
            }
        }
    }
    out.extend_from_slice(b"</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>\n");
    if !missing.is_empty() {
        out.extend_from_slice(b"<D:propstat><D:prop>");
        for (namespace, name) in missing {
            out.extend_from_slice(b"<x:");
            out.extend_from_slice(name);
            out.extend_from_slice(b" xmlns:x=\"");
            escape::html(namespace, out);
            out.extend_from_slice(b"\"/>");
        }
        out.extend_from_slice(
            b"</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>\n",
        );
    }
    out.extend_from_slice(b"</D:response>\n");
}

/// Appends a property; says whether this has it.
fn property(name: &str, uri: &[u8], metadata: &Metadata, out: &mut Vec<u8>) -> bool {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let seconds = modified.unwrap_or_default().as_secs();
    let value: Vec<u8> = match name {
        "displayname" => {
            let bare = uri.strip_suffix(b"/").unwrap_or(uri);
            let last = bare.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            let mut text = Vec::new();
            escape::html(last, &mut text);
            text
        }
        "getcontentlength" if metadata.is_file() => metadata.len().to_string().into(),
        "getetag" if metadata.is_file() => format!("\"{seconds:x}-{:x}\"", metadata.len()).into(),
        "getlastmodified" => proto::date::format(seconds).to_vec(),
        "resourcetype" if metadata.is_dir() => b"<D:collection/>".to_vec(),
        "resourcetype" | "supportedlock" => Vec::new(),
        _ => return false,
    };
    out.extend_from_slice(format!("<D:{name}>").as_bytes());
    out.extend_from_slice(&value);
    out.extend_from_slice(format!("</D:{name}>").as_bytes());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for() {
        let these = |body: &str| match wanted(body.as_bytes()) {
            Some(Wanted::These(names)) => names.len() as i32,
            Some(Wanted::All) => -1,
            Some(Wanted::Names) => -2,
            None => -3,
        };
        for (body, expected) in [
            ("", -1),
            ("<propfind xmlns=\"DAV:\"><allprop/></propfind>", -1),
            ("<D:propfind xmlns:D=\"DAV:\"><D:propname/></D:propfind>", -2),
            (
                "<D:propfind xmlns:D=\"DAV:\"><D:prop><D:a/><x:b xmlns:x=\"urn:x\">text</x:b></D:prop></D:propfind>",
                2,
            ),
            ("<propfind xmlns=\"DAV:\"/>", -3),
            ("<propfind><allprop/></propfind>", -3),
            ("<other xmlns=\"DAV:\"><allprop/></other>", -3),
            ("<propfind xmlns=\"DAV:\"><allprop/>", -3),
            ("<!DOCTYPE x [<!ENTITY a \"b\">]><propfind xmlns=\"DAV:\"><allprop/></propfind>", -3),
            ("<y:propfind><y:allprop/></y:propfind>", -3),
            ("no xml <<<", -3),
        ] {
            assert_eq!(these(body), expected, "{body}");
        }
    }
}
