//! Answers: media that caches may keep, playlists that they may not.

use http::{Flow, Request};
use mem::{Buf, Str};
use rtmp::Admitted;

use crate::part::{Format, Track};
use crate::segments::Segments;
use crate::settings::Settings;
use crate::web::addresses::Addresses;

const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// What is in a segment or in front of it; 404: it is gone, or never was.
pub fn media(request: &mut Request, format: Format, track: Track, bytes: Option<Buf>) -> Flow {
    let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else {
        return Flow::Status(404);
    };
    let media_type = Str::from(media_type(format, track));
    request.response.set_buf(200, media_type, bytes);
    cacheable(request);
    Flow::Respond
}

/// What a segment's track is.
pub fn media_type(format: Format, track: Track) -> &'static str {
    match (format, track) {
        (Format::Ts, _) => "video/mp2t",
        (Format::Cmaf, Track::Video) => "video/mp4",
        (Format::Cmaf, Track::Audio) => "audio/mp4",
    }
}

/// A name never has other bytes.
pub const CACHE: &str = "max-age=86400, immutable";

/// Caches may keep the answer, and players have parts of it.
pub fn cacheable(request: &mut Request) {
    request.response.allow_ranges = true;
    request.response.add_header("Cache-Control", Str::from(CACHE));
}

/// Whether a segment is asked for by the name that it has.
pub fn is_named(request: &Request, format: Format) -> bool {
    let extension: &[u8] = match format {
        Format::Ts => b".ts",
        Format::Cmaf => b".m4s",
    };
    request.uri.ends_with(extension)
}

/// The master playlist of a stream; 404: none of its variants is there.
pub fn master(
    request: &mut Request,
    segments: &Segments,
    admitted: &Admitted,
    addresses: &Addresses,
) -> Flow {
    let name = admitted.name().rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let uri = |suffix: &str, track: Track| {
        let address = addresses.playlist(name, suffix, track);
        match suffix.is_empty() {
            true => address,
            false => admitted.address_of(&[admitted.name(), suffix.as_bytes()].concat(), address),
        }
    };
    let hub = segments.zone.hub();
    let Settings { variants, captions, reach, .. } = &segments.settings;
    let text = hub.and_then(|hub| {
        crate::master::playlist(hub, variants, captions, reach, &admitted.channel(), uri)
    });
    playlist(request, text.map(Str::from))
}

/// A playlist; 404: there is none.
pub fn playlist(request: &mut Request, text: Option<Str>) -> Flow {
    let Some(text) = text else { return Flow::Status(404) };
    request.response.set_body(200, Str::from(PLAYLIST), text);
    request.response.add_header("Cache-Control", Str::from("no-cache"));
    Flow::Respond
}
