//! Looking at channels, and ending them.

use std::rc::Rc;

use broadcast::{ChannelInfo, Zone};
use http::{Flow, Request};
use mem::Str;
use proto::json;
use proto::query;
use proto::sse::EventId;

use crate::channels::Selection;
use crate::endpoint::parts::Endpoint;
use crate::publish::{answer, append};
use crate::text::text;
use crate::zone::ZoneConf;

/// The media type of figures: nobody asks for it who wants a stream.
pub const FIGURES: &[u8] = b"application/vnd.rserve.channel+json";
/// Channels in one answer at most: the zone is locked meanwhile.
const MOST: usize = 20_000;
/// Channels in one answer, unless it is asked for more.
const LIMIT: usize = 1000;

/// A channel's figures; of several, a list.
pub fn figures(endpoint: &Endpoint, request: &mut Request, selection: &Selection) -> Flow {
    let zone = match endpoint.hub() {
        Ok(hub) => hub.attachment.zone(),
        Err(flow) => return flow,
    };
    let mut body = Vec::new();
    if let ([name], []) = (&selection.names[..], &selection.prefixes[..]) {
        match zone.channel_info(name) {
            Some(info) => channel(&mut body, zone, &info),
            None => return endpoint.problem(request, 404, "there is no such channel"),
        }
    } else {
        let named = selection.names.iter().filter_map(|name| zone.channel_info(name));
        let matching = selection.prefixes.iter().flat_map(|prefix| zone.channels(prefix, LIMIT));
        list(&mut body, zone, named.chain(matching));
    }
    body.push(b'\n');
    endpoint.answer(request, 200, Str::from_static(FIGURES), &body)
}

/// DELETE: the channel ends.
pub async fn end(endpoint: &Endpoint, request: &mut Request, name: &[u8]) -> Flow {
    let hub = match endpoint.hub() {
        Ok(hub) => hub,
        Err(flow) => return flow,
    };
    let zone = hub.attachment.zone();
    let end = || append::end(zone, &endpoint.settings, name).transpose();
    match answer::in_room(hub, end).await.transpose() {
        None => endpoint.problem(request, 404, "there is no such channel"),
        Some(Err(error)) => answer::refuse(endpoint, request, error),
        Some(Ok(appended)) => {
            if hub.disk.kept(endpoint.settings.sync, appended.seq).await.is_err() {
                return endpoint.problem(request, 503, answer::UNKEPT);
            }
            let mut body = b"{\"channel\":".to_vec();
            json::string(&mut body, name);
            body.extend_from_slice(b",\"ended\":true,\"id\":");
            id(&mut body, zone, appended.seq);
            body.extend_from_slice(b"}\n");
            endpoint.json(request, 200, &body)
        }
    }
}

/// `sse_status`
pub fn status(request: &mut Request, zones: &[Rc<ZoneConf>]) -> Flow {
    let prefix = query::get(&request.args, b"prefix").unwrap_or_default();
    let limit = query::get(&request.args, b"limit");
    let limit = limit.and_then(|text| String::from_utf8(text).ok()?.parse().ok());
    let limit = limit.unwrap_or(LIMIT).min(MOST);
    let mut body = b"{\"zones\":[".to_vec();
    for (at, conf) in zones.iter().enumerate() {
        let Some(zone) = conf.zone() else { continue };
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(b"{\"name\":");
        json::string(&mut body, conf.name().as_bytes());
        zone_figures(&mut body, zone);
        body.extend_from_slice(b",\"list\":");
        list(&mut body, zone, zone.channels(&prefix, limit).into_iter());
        body.push(b'}');
    }
    body.extend_from_slice(b"]}\n");
    let body = request.pool.copy(&body);
    request.response.set_body(200, text("application/json"), body);
    request.response.add_header("Cache-Control", text("no-store"));
    Flow::Respond
}

fn zone_figures(out: &mut Vec<u8>, zone: &Zone) {
    let info = zone.info();
    let free = u64::from(info.free_blocks) * u64::from(info.block_size);
    for (name, value) in [
        ("size", info.size),
        ("free", free),
        ("channels", info.channels.into()),
        ("max_channels", info.max_channels.into()),
        ("subscribers", info.subscribers.into()),
        ("behind", info.behind.into()),
        ("published", info.published),
        ("published_bytes", info.published_bytes),
        ("delivered", info.delivered),
        ("delivered_bytes", info.delivered_bytes),
        ("evicted", info.evicted),
        ("lapped", info.lapped),
        ("repairs", info.repairs),
        ("workers", info.processes.into()),
    ] {
        out.extend_from_slice(format!(",\"{name}\":{value}").as_bytes());
    }
    out.extend_from_slice(b",\"newest\":");
    id(out, zone, zone.newest());
}

fn list(out: &mut Vec<u8>, zone: &Zone, channels: impl Iterator<Item = ChannelInfo>) {
    out.push(b'[');
    for (at, info) in channels.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        channel(out, zone, &info);
    }
    out.push(b']');
}

fn channel(out: &mut Vec<u8>, zone: &Zone, info: &ChannelInfo) {
    out.extend_from_slice(b"{\"channel\":");
    json::string(out, &info.name);
    for (name, value) in [
        ("subscribers", u64::from(info.subscribers)),
        ("events", info.records.into()),
        ("bytes", info.bytes),
        ("published", info.published),
        ("behind", info.behind.into()),
    ] {
        out.extend_from_slice(format!(",\"{name}\":{value}").as_bytes());
    }
    out.extend_from_slice(b",\"oldest\":");
    id(out, zone, info.oldest);
    out.extend_from_slice(b",\"newest\":");
    id(out, zone, info.newest);
    out.extend_from_slice(format!(",\"ended\":{}}}", info.ended).as_bytes());
}

/// An id as JSON; none: null.
fn id(out: &mut Vec<u8>, zone: &Zone, seq: u64) {
    if seq == 0 {
        return out.extend_from_slice(b"null");
    }
    out.push(b'"');
    EventId { epoch: zone.epoch(), seq }.write(out, None);
    out.push(b'"');
}
