//! Looking at channels, and ending them.

use std::borrow::Cow;
use std::rc::Rc;

use broadcast::{ChannelInfo, Zone};
use http::{Flow, Request};
use mem::Str;
use proto::query;
use proto::sse::EventId;
use serde::Serialize;

use crate::channels::Selection;
use crate::endpoint::parts::Endpoint;
use crate::json;
use crate::publish::{answer, append};
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
    let body = if let ([name], []) = (&selection.names[..], &selection.prefixes[..]) {
        match zone.channel_info(name) {
            Some(info) => json::line(&Channel::of(zone, &info)),
            None => return endpoint.problem(request, 404, "there is no such channel"),
        }
    } else {
        let named = selection.names.iter().filter_map(|name| zone.channel_info(name));
        let matching = selection.prefixes.iter().flat_map(|prefix| zone.channels(prefix, LIMIT));
        let channels = named.chain(matching).map(|info| Channel::of(zone, &info));
        json::line(&channels.collect::<Vec<_>>())
    };
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
    match answer::with_space(hub, end).await.transpose() {
        None => endpoint.problem(request, 404, "there is no such channel"),
        Some(Err(error)) => answer::refuse(endpoint, request, error),
        Some(Ok(appended)) => {
            if hub.disk.wait_for_sync(endpoint.settings.sync, appended.seq).await.is_err() {
                return endpoint.problem(request, 503, answer::UNKEPT);
            }
            let channel = String::from_utf8_lossy(name);
            let ended = Ended { channel, ended: true, id: id(zone, appended.seq) };
            endpoint.json(request, 200, &ended)
        }
    }
}

/// `sse_status`
pub fn status(request: &mut Request, zones: &[Rc<ZoneConf>]) -> Flow {
    let prefix = query::get(&request.args, b"prefix").unwrap_or_default();
    let limit = query::get(&request.args, b"limit");
    let limit = limit.and_then(|text| String::from_utf8(text).ok()?.parse().ok());
    let limit = limit.unwrap_or(LIMIT).min(MOST);
    let figures = |conf: &Rc<ZoneConf>| {
        let zone = conf.zone()?;
        Some(ZoneFigures::of(conf.name(), zone, zone.channels(&prefix, limit)))
    };
    let body = json::line(&Status { zones: zones.iter().filter_map(figures).collect() });
    let body = request.pool.copy(&body);
    request.response.set_body(200, Str::from("application/json"), body);
    request.response.add_header("Cache-Control", Str::from("no-store"));
    Flow::Respond
}

#[derive(Serialize)]
struct Ended<'a> {
    channel: Cow<'a, str>,
    ended: bool,
    id: Option<String>,
}

#[derive(Serialize)]
struct Status {
    zones: Vec<ZoneFigures>,
}

#[derive(Serialize)]
struct ZoneFigures {
    name: String,
    size: u64,
    free: u64,
    channels: u64,
    max_channels: u64,
    subscribers: u64,
    behind: u64,
    published: u64,
    published_bytes: u64,
    delivered: u64,
    delivered_bytes: u64,
    evicted: u64,
    lapped: u64,
    repairs: u64,
    workers: u64,
    newest: Option<String>,
    list: Vec<Channel>,
}

impl ZoneFigures {
    fn of(name: &str, zone: &Zone, channels: Vec<ChannelInfo>) -> ZoneFigures {
        let info = zone.info();
        ZoneFigures {
            name: name.to_owned(),
            size: info.size,
            free: u64::from(info.free_blocks) * u64::from(info.block_size),
            channels: info.channels.into(),
            max_channels: info.max_channels.into(),
            subscribers: info.subscribers.into(),
            behind: info.behind.into(),
            published: info.published,
            published_bytes: info.published_bytes,
            delivered: info.delivered,
            delivered_bytes: info.delivered_bytes,
            evicted: info.evicted,
            lapped: info.lapped,
            repairs: info.repairs,
            workers: info.processes.into(),
            newest: id(zone, zone.newest()),
            list: channels.iter().map(|info| Channel::of(zone, info)).collect(),
        }
    }
}

#[derive(Serialize)]
struct Channel {
    channel: String,
    subscribers: u64,
    events: u64,
    bytes: u64,
    published: u64,
    behind: u64,
    oldest: Option<String>,
    newest: Option<String>,
    ended: bool,
}

impl Channel {
    fn of(zone: &Zone, info: &ChannelInfo) -> Channel {
        Channel {
            channel: String::from_utf8_lossy(&info.name).into_owned(),
            subscribers: info.subscribers.into(),
            events: info.records.into(),
            bytes: info.bytes,
            published: info.published,
            behind: info.behind.into(),
            oldest: id(zone, info.oldest),
            newest: id(zone, info.newest),
            ended: info.ended,
        }
    }
}

/// The id of an event; `None`: there is none.
fn id(zone: &Zone, seq: u64) -> Option<String> {
    let mut id = Vec::new();
    EventId { epoch: zone.epoch(), seq }.write(&mut id, None);
    (seq != 0).then(|| String::from_utf8_lossy(&id).into_owned())
}
