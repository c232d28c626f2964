//! What a worker's clients are doing at the moment: a line for each, and one for the worker.

use crate::client::{Client, StreamState};
use crate::play::output::{Container, Framing, OutputFormat};
use crate::play::protocol::Hub;
use crate::publish::tracks::Tracks;
use crate::running::Running;
use crate::viewers;
use proto::query;

/// Writes this worker's lines.
pub fn write(running: &Running, out: &mut Vec<u8>) {
    let now = rt::now();
    let mut worker = Vec::new();
    let (mut sent, mut sent_rate, mut received, mut received_rate) =
        (running.gone.0.get(), 0, running.gone.1.get(), 0);
    for (_, client) in running.clients.borrow().iter() {
        let (total, rate) = bytes_sent(running.hub, client, now);
        sent += total;
        sent_rate += rate;
        received += client.received.total();
        received_rate += client.received.bits_per_second(now);
        write_client(running.hub, client, now, out);
    }
    viewers::each(|id, client, name| write_viewer(id, client, name, out));
    let mut add = |name, value: u64| query::add(&mut worker, name, value.to_string().as_bytes());
    add("accepted", running.accepted.get());
    add("uptime", (now - running.since) / 1000);
    add("bytes_in", received);
    add("bytes_out", sent);
    add("bw_in", received_rate);
    add("bw_out", sent_rate);
    out.extend_from_slice(b"what=worker&");
    out.extend_from_slice(&worker);
    out.push(b'\n');
}

/// Bytes sent to a client, and bits per second.
fn bytes_sent(hub: &Hub, client: &Client, now: u64) -> (u64, u64) {
    let sent = hub.with_outlet(client.outlet.get(), |outlet| {
        let sent = &outlet.link.sent;
        (sent.total(), sent.bits_per_second(now))
    });
    sent.unwrap_or_default()
}

fn write_client(hub: &Hub, client: &Client, now: u64, out: &mut Vec<u8>) {
    let Some(app) = client.app.get() else { return };
    let hello = client.hello.borrow();
    let mut common = Vec::new();
    query::add(&mut common, "app", app.name.as_bytes());
    query::add(&mut common, "address", client.address().as_bytes());
    query::add(&mut common, "flashver", &hello.flash_version);
    query::add(&mut common, "pageurl", &hello.page_url);
    query::add(&mut common, "swfurl", &hello.swf_url);
    query::add(&mut common, "tcurl", &hello.tc_url);
    let format: &[u8] =
        match hub.with_outlet(client.outlet.get(), |outlet| outlet.link.chunk_streams.format) {
            Some(OutputFormat::Http(_, Framing::Socket)) => b"websocket-flv",
            Some(OutputFormat::Http(Container::Flv, _)) => b"http-flv",
            Some(OutputFormat::Http(Container::Ts, _)) => b"http-ts",
            Some(OutputFormat::Http(Container::Mp4, _)) => b"http-mp4",
            _ => b"rtmp",
        };
    query::add(&mut common, "protocol", format);
    let time = rt::wall().saturating_sub(client.since).as_millis();
    let mut add = |name, value: u64| query::add(&mut common, name, value.to_string().as_bytes());
    add("server", client.server.get() as u64);
    add("id", client.id);
    add("time", time as u64);
    add("bytes_in", client.received.total());
    let (sent, sent_rate) = bytes_sent(hub, client, now);
    add("bytes_out", sent);
    add("bw_in", client.received.bits_per_second(now));
    add("bw_out", sent_rate);
    for stream in client.streams.borrow().iter() {
        let Some((what, _)) = stream.asked() else { continue };
        out.extend_from_slice(b"what=client&");
        out.extend_from_slice(&common);
        let mut line = Vec::new();
        query::add(&mut line, "name", &what.name);
        match &stream.state {
            StreamState::Publishing { publisher, .. } => {
                query::add(&mut line, "publishing", b"1");
                write_tracks(&publisher.tracks, now, &mut line);
            }
            StreamState::Playing { player, .. } => drop(hub.with_reader(*player, |player| {
                let player = &player.own;
                let mut add = |name, value: u64| {
                    query::add(&mut line, name, value.to_string().as_bytes());
                };
                add("sent", player.counts.sent);
                add("dropped", player.counts.dropped.into());
                add("skips", player.counts.skips.into());
                add("timestamp", player.state.time.max(0) as u64);
                // Where it is by the stream's own clock: the publisher's tells how far behind that is.
                if let Some(at) = player.state.stream_time {
                    add("position", u64::from(at));
                }
                let [_, audio, video] = player.state.sent;
                let apart = audio.zip(video).map_or(0, |(a, v)| i64::from(v) - i64::from(a));
                query::add(&mut line, "avsync", apart.to_string().as_bytes());
            })),
            StreamState::Idle => {}
        }
        out.push(b'&');
        out.extend_from_slice(&line);
        out.push(b'\n');
    }
}

/// One that has no connection.
fn write_viewer(id: u64, client: &Client, name: &[u8], out: &mut Vec<u8>) {
    let Some(app) = client.app.get() else { return };
    let hello = client.hello.borrow();
    let time = rt::wall().saturating_sub(client.since).as_millis();
    let mut line = Vec::new();
    query::add(&mut line, "app", app.name.as_bytes());
    query::add(&mut line, "name", name);
    query::add(&mut line, "address", client.address().as_bytes());
    query::add(&mut line, "flashver", &hello.flash_version);
    query::add(&mut line, "pageurl", &hello.page_url);
    query::add(&mut line, "protocol", b"hls");
    for (name, number) in
        [("server", client.server.get() as u64), ("id", id), ("time", time as u64)]
    {
        query::add(&mut line, name, number.to_string().as_bytes());
    }
    out.extend_from_slice(b"what=viewer&");
    out.extend_from_slice(&line);
    out.push(b'\n');
}

fn write_tracks(tracks: &Tracks, now: u64, line: &mut Vec<u8>) {
    let mut add = |name: &str, value: String| query::add(line, name, value.as_bytes());
    add("bw_video", tracks.video_rate.bits_per_second(now).to_string());
    add("bw_audio", tracks.audio_rate.bits_per_second(now).to_string());
    add("frames", tracks.frames.to_string());
    let (video, audio) = tracks.times;
    add("timestamp", video.max(audio).to_string());
    add("avsync", (i64::from(video) - i64::from(audio)).to_string());
    if let Some(video) = &tracks.video {
        add("video", video.codec.to_owned());
        add("width", video.size.0.to_string());
        add("height", video.size.1.to_string());
        add("frame_rate", video.frame_rate.to_string());
        if let Some((profile, compatibility, level)) = video.profile {
            add("video_profile", profile.to_owned());
            add("compat", compatibility.to_string());
            add("level", format!("{level:.1}"));
        }
    }
    if let Some(audio) = &tracks.audio {
        add("audio", audio.codec.to_owned());
        add("channels", audio.channels.to_string());
        add("sample_rate", audio.rate.to_string());
        if let Some(profile) = audio.profile {
            add("audio_profile", profile.to_owned());
        }
    }
}
