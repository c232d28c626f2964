//! Master playlists: one stream's tracks, or the streams that are variants of one.

use proto::hls::{Caption, Master};

use crate::archive::window::Reach;
use crate::part::Track;
use crate::playlists;
use crate::watch::watch;
use crate::zone::Hub;

/// The master playlist of a stream. `uri` makes the address of a track's playlist, of the stream whose name ends with a
/// suffix; `None` if there is nothing to be listed. `variants`: suffixes, and what is said of them.
/// `captions`: what is in their pictures.
pub fn playlist(
    hub: &'static Hub,
    variants: &[(String, Vec<String>)],
    captions: &[Caption],
    reach: &Reach,
    channel: &[u8],
    uri: impl Fn(&str, Track) -> String,
) -> Option<String> {
    let own: &[(String, Vec<String>)] = &[(String::new(), Vec::new())];
    let measured: Vec<_> = variants
        .iter()
        .chain(own)
        .filter_map(|(suffix, attributes)| {
            let watched = watch(hub, &[channel, suffix.as_bytes()].concat(), reach)?;
            Some((suffix, attributes, watched.with(playlists::measure)?))
        })
        .collect();
    // Those whose stream is gone are left out, as long as another is there: what has ended can be watched for a while.
    let lives = measured.iter().any(|(_, _, measured)| !measured.ended);
    let (mut listed, mut independent) = (Vec::new(), true);
    for (suffix, attributes, measured) in &measured {
        // The stream itself stands in for all of them.
        let stands_in = suffix.is_empty() && listed.is_empty();
        if stands_in || !suffix.is_empty() && (!lives || !measured.ended) {
            independent &= measured.independent;
            listed.push(playlists::variant(measured, attributes, |track| uri(suffix, track)));
        }
    }
    let master = Master { independent, captions: captions.to_vec(), variants: listed };
    (!master.variants.is_empty()).then(|| master.playlist())
}
