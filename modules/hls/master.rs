//! Master playlists: one stream's tracks, or the streams that are variants of one.

use proto::hls::Master;

use crate::playlists;
use crate::timeline::Track;
use crate::watch::watch;
use crate::zone::Hub;

/// The master playlist of a stream. `uri` makes the address of a track's playlist, of the stream whose name ends with a
/// suffix; `None` if there is nothing to be listed. `variants`: suffixes, and what is said of them; `kept`: how long playlists
/// are, in milliseconds.
pub fn playlist(
    hub: &'static Hub,
    variants: &[(String, Vec<String>)],
    kept: u64,
    channel: &[u8],
    uri: impl Fn(&str, Track) -> String,
) -> Option<String> {
    let own: &[(String, Vec<String>)] = &[(String::new(), Vec::new())];
    let (mut listed, mut independent) = (Vec::new(), true);
    // Those whose stream is not there are left out; the stream itself stands in for all of them.
    for (suffix, attributes) in variants.iter().chain(own) {
        if suffix.is_empty() && !listed.is_empty() {
            continue;
        }
        let channel = [channel, suffix.as_bytes()].concat();
        let Some(watched) = watch(hub, &channel, kept) else { continue };
        let live = |measured: &playlists::Measured| suffix.is_empty() || !measured.ended;
        if let Some(measured) = watched.with(playlists::measure).filter(live) {
            independent &= measured.independent;
            let name = |track| uri(suffix, track);
            listed.push(playlists::variant(&measured, attributes, name));
        }
    }
    let master = Master { independent, variants: listed };
    (!master.variants.is_empty()).then(|| master.playlist())
}
