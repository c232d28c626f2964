//! FLV: files, payloads, headers of codecs.

use proto::flv::file::Error;
use proto::flv::{Audio, Reader, Video, aac, avc, header, previous_tag_size, tag_header};

/// Small, so that inputs get there.
const MAX: usize = 300;

/// A file is the same whole and in pieces; written again, it is read as it was. What is told of a
/// payload makes sense.
pub fn flv(data: &[u8]) {
    let whole = read(data, data.len().max(1));
    for piece in [1, 2, 13] {
        assert_eq!(read(data, piece), whole, "in pieces of {piece}");
    }
    let mut out = header(true, true).to_vec();
    for (kind, timestamp, payload) in &whole.0 {
        assert!(payload.len() <= MAX);
        out.extend_from_slice(&tag_header(*kind, payload.len(), *timestamp));
        out.extend_from_slice(payload);
        out.extend_from_slice(&previous_tag_size(payload.len()));
        media(payload);
    }
    assert_eq!(read(&out, 99), (whole.0, Some(5), Ok(())));
    media(data);
}

/// Kind, timestamp, payload.
type Seen = (u8, u32, Vec<u8>);

fn read(data: &[u8], piece: usize) -> (Vec<Seen>, Option<u8>, Result<(), Error>) {
    let (mut reader, mut seen) = (Reader::new(MAX), Vec::new());
    let result = data.chunks(piece).try_for_each(|part| {
        reader.feed(part, |tag| seen.push((tag.kind, tag.timestamp, tag.payload.to_vec())))
    });
    (seen, reader.flags(), result)
}

fn media(payload: &[u8]) {
    if let Some(video) = Video::of(payload) {
        let Video { key, header, end, disposable, metadata, .. } = video;
        let said = [key, header, end, disposable, metadata];
        assert!(said.into_iter().filter(|said| *said).count() <= 1, "{video:?}");
        assert!(
            video.body <= payload.len() && (-0x80_0000..0x80_0000).contains(&video.composition)
        );
        codec(&payload[video.body..]);
    }
    if let Some(audio) = Audio::of(payload) {
        let said = [audio.header, audio.end, audio.metadata];
        assert!(said.into_iter().filter(|said| *said).count() <= 1, "{audio:?}");
        assert!(audio.body <= payload.len());
        codec(&payload[audio.body..]);
    }
    codec(payload);
}

fn codec(data: &[u8]) {
    for (width, height) in [avc::Config::of(data).and_then(|config| config.size), avc::size(data)]
        .into_iter()
        .flatten()
    {
        assert!(width > 0 && height > 0);
    }
    if let Some(config) = aac::Config::of(data) {
        assert!(config.channels <= 24 && (config.sbr || !config.ps));
    }
}
