//! Configurations: those of nginx-rtmp's users, and mistakes.

use support::{Start, start};

use crate::client::Client;
use crate::frames::key;
use crate::with_server;

#[track_caller]
fn refused(rtmp: &str) -> String {
    let conf = format!("\nrtmp {{\n{rtmp}\n}}\n");
    let (code, said) = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
    assert_eq!(code, 1, "{said}");
    said
}

/// A block as it stands in many a blog.
const USUAL: &str = "
    rtmp {
        rtmp_zone 16m;
        max_connections 1000;
        server {
            listen 127.0.0.1:{port2};
            chunk_size 4000;
            ack_window 5000000;
            buflen 5s; max_streams 64; timeout 30s; ping 3m; ping_timeout 30s; max_message 10M;
            out_queue 4096; out_cork 8; publish_time_fix on; play_time_fix off;
            application live {
                live on; record off; interleave on; wait_key on; wait_video on; sync 10ms;
                publish_notify on; play_restart off; drop_idle_publisher 10s; idle_streams on;
                meta copy; buffer 1s;
                allow publish 127.0.0.1; deny publish all; allow play all;
                hls on; hls_path /tmp/hls; hls_fragment 3s; hls_playlist_length 60s; hls_nested on;
                hls_variant _low BANDWIDTH=160000;
                dash on; dash_path /tmp/dash;
                exec ffmpeg -i rtmp://localhost/live/$name -c copy -f flv rtmp://localhost/hls/$name
                    2>>/tmp/ffmpeg.log;
                exec_kill_signal term;
                push rtmp://127.0.0.1/other;
                pull rtmp://127.0.0.1/other name=x;
                push_reconnect 1s;
                recorder all { record all; record_path /tmp; record_suffix -%d-%b-%y-%T.flv; }
                notify_method get;
            }
            application vod { play /var/flvs; }
            application big { live on; exec_push ffmpeg -i rtmp://x/$name; record keyframes; }
        }
    }";

#[test]
fn an_nginx_rtmp_users_block_is_loaded_with_warnings() {
    let server = start!(format!("{USUAL} http {{ server {{ listen 127.0.0.1:{{port}}; }} }}"));
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &key(1));
    publisher.sync();
    let mut player = Client::player(&server, "s");
    assert_eq!(player.frames(1), ["k1@0"]);
    let output = server.command(&["-t"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    for name in ["exec", "push", "pull", "play", "exec_push"] {
        let line = said.lines().find(|line| line.split_whitespace().next() == Some(name));
        assert!(line.is_some_and(|line| line.contains("rserve.conf:")), "{name}: {said}");
    }
    assert!(said.contains("nothing is recorded without a \"record_path\""), "{said}");
    assert!(said.contains("test is successful"), "{said}");
}

#[test]
fn mistakes_are_refused_with_their_place() {
    for (text, wrong) in [
        ("server { listen 1x; }", "1x"),
        ("server { listen 127.0.0.1:70000; }", "70000"),
        ("server { listen 127.0.0.1:{port} nothing; }", "nothing"),
        ("server { application live { live maybe; } }", "maybe"),
        ("server { application live { chunk_size 10; } }", "chunk_size"),
        ("chunk_size 10;", "10"),
        ("max_message 100m;", "100m"),
        ("max_streams 2;", "2"),
        ("timeout soon;", "soon"),
        ("meta some;", "some"),
        ("allow publish 300.0.0.1;", "300.0.0.1"),
        ("allow record all;", "record"),
        ("on_publish https://no.such.host.invalid/;", "host not found"),
        ("on_publish http://no.such.host.invalid/;", "host not found"),
        ("on_publish http://127.0.0.1/; on_publish http://127.0.0.1/;", "duplicate"),
        ("notify_method put;", "put"),
        ("log_format x $nothing;", "$nothing"),
        ("log_format x a; log_format x b;", "duplicate"),
        ("server { access_log logs/x.log unknown; application live { } }", "unknown"),
        ("rtmp_events channel;", "ZONE:CHANNEL"),
        ("rtmp_events zone:a,b;", "ZONE:CHANNEL"),
        ("rtmp_events zone:a*;", "ZONE:CHANNEL"),
        ("rtmp_zone 10; server { listen 127.0.0.1:{port}; }", "rtmp_zone"),
        ("rtmp_zone 16m; rtmp_zone 16m;", "duplicate"),
        ("server { application live { } application live { } }", "duplicate"),
        ("server { application { } }", "application"),
        ("server { listen 127.0.0.1:{port}; listen 127.0.0.1:{port}; }", "duplicate"),
        ("stream_key publish;", "stream_key"),
        ("signed_url some secret;", "some"),
        ("login publish anna;", "login"),
        ("fly on;", "fly"),
        ("liv on;", "live"),
    ] {
        eprintln!("{text}");
        let said = refused(text);
        let word = wrong.replace('$', "");
        assert!(said.contains("[emerg]") && said.contains(&word), "{text}: {said}");
        assert!(said.contains("rserve.conf:3"), "{text}: {said}");
    }
    let said = refused(
        "server {\nlisten 127.0.0.1:{port};\napplication live {\nlive on;\nlive off;\n}\n}",
    );
    assert!(said.contains("duplicate") && said.contains("rserve.conf:7"), "{said}");
}

#[test]
fn mistakes_in_http_are_refused() {
    for (line, wrong) in [
        ("rtmp_stat some;", "some"),
        ("rtmp_control fly;", "fly"),
        ("rtmp_stat_format yaml;", "yaml"),
        ("flv_allow_origin nonsense;", "origin"),
        ("flv_live live/$nothing;", "nothing"),
    ] {
        let conf = support::site(&format!("location / {{\n{line}\n}}"));
        let (code, said) = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
        assert!(
            code == 1 && said.contains(wrong) && said.contains("rserve.conf:4"),
            "{line}: {said}"
        );
    }
}

#[test]
fn what_is_set_outside_holds_inside_unless_it_is_set_anew() {
    let server = start!(with_server(
        "live on; idle_streams off;",
        "application live { } application patient { idle_streams on; } application off { live off; }"
    ));
    assert_eq!(Client::connect(&server, "live").try_play("s"), "NetStream.Play.StreamNotFound");
    assert_eq!(Client::connect(&server, "patient").try_play("s"), "NetStream.Play.Start");
    assert_eq!(Client::connect(&server, "off").try_play("s"), "NetStream.Play.Failed");
}

#[test]
fn applications_of_two_servers_have_streams_of_their_own() {
    let other = support::free_port();
    let two = format!(
        "application live {{ live on; }} }}
         server {{ listen 127.0.0.1:{other}; application live {{ live on; }} application only {{ live on; }}"
    );
    let server = start!(with_server("", &two));
    let mut first = Client::publisher(&server, "s");
    first.video(0, &key(1));
    first.sync();
    let mut second = Client::open(other);
    second.connect_to("live", &[]);
    second.expect("NetConnection.Connect.Success");
    second.set_chunk_size(60_000);
    second.publish("s");
    second.video(0, &key(2));
    second.sync();
    assert_eq!(Client::player(&server, "s").frames(1), ["k1@0"]);
    let mut player = Client::open(other);
    player.connect_to("live", &[]);
    player.play("s");
    assert_eq!(player.frames(1), ["k2@0"]);
    for (port, wanted) in [(server.port2(), "k1@0"), (other, "k2@0")] {
        let path = format!("/flv?port={port}&app=live&stream=s");
        assert_eq!(crate::flv::Flv::get(&server, &path).frames(1), [wanted]);
    }
    let stat = server.get("/stat").text();
    assert_eq!(stat.matches("<server>").count(), 2, "{stat}");
}

/// The example of nginx-http-flv-module's README, but for the addresses.
const WITH_HOSTS: &str = "
    rtmp_auto_push on;
    rtmp_auto_push_reconnect 1s;
    rtmp_socket_dir /tmp;
    rtmp {
        rtmp_zone 16m;
        out_queue 4096; out_cork 8; max_streams 128; timeout 15s; drop_idle_publisher 15s;
        log_interval 5s; log_size 1m;
        gop_max_frame_count 2048; gop_max_video_count 1024; gop_max_audio_count 1024;
        server {
            listen 127.0.0.1:{port2};
            server_name www.test.*;
            application myapp { live on; gop_cache on; }
            application hls { live on; hls on; hls_path /tmp/hls; }
        }
        server {
            listen 127.0.0.1:{port2} default_server;
            server_name *.test.com;
            application myapp { live on; gop_cache on; }
        }
        server {
            listen 127.0.0.1:{port2};
            server_name www.test.com;
            application myapp { live on; gop_cache on; }
            application own { live on; }
        }
    }";

#[test]
fn servers_share_an_address_by_their_names() {
    let web = "location /live { flv_live on; } location /stat { rtmp_stat all; }";
    let server =
        start!(format!("{WITH_HOSTS} http {{ server {{ listen 127.0.0.1:{{port}}; {web} }} }}"));
    let connect = |host: &str, app: &str| {
        let mut client = Client::open(server.port2());
        client.connect_to(app, &[("tcUrl", &format!("rtmp://{host}/{app}"))]);
        client.set_chunk_size(60_000);
        client
    };
    // The exact name, then the longest beginning, the end, and the default one, as with nginx.
    let hosts = ["www.test.com:1935", "a.test.com", "www.test.org", "127.0.0.1"];
    let mut publishers = Vec::new();
    for (n, host) in hosts.into_iter().take(3).enumerate() {
        let mut publisher = connect(host, "myapp");
        publisher.expect("NetConnection.Connect.Success");
        publisher.publish("s");
        publisher.video(0, &key(n as u32));
        publisher.audio(0, &crate::frames::aac(n as u32));
        publisher.sync();
        publishers.push(publisher);
    }
    for (host, n) in hosts.into_iter().zip([0, 1, 2, 1]) {
        let mut player = connect(host, "myapp");
        player.play("s");
        assert_eq!(player.frames(1), [format!("k{n}@0")], "{host}");
        let request = format!(
            "GET /live?port={}&app=myapp&stream=s HTTP/1.1\r\nHost: {host}\r\n\r\n",
            server.port2()
        );
        // By HTTP without a name that fits it is the first that has the application.
        let n = if host == "127.0.0.1" { 2 } else { n };
        assert_eq!(
            crate::flv::Flv::ask(&server, &request).frames(1),
            [format!("k{n}@0")],
            "{host}"
        );
    }
    let mut own = connect("WWW.test.com.", "own");
    assert_eq!(own.answer(), "NetConnection.Connect.Success");
    assert_eq!(connect("a.test.com", "own").answer(), "NetConnection.Connect.Rejected");
    let said = String::from_utf8_lossy(&server.command(&["-t"]).stderr).into_owned();
    for name in [
        "log_interval",
        "log_size",
        "gop_max_frame_count",
        "gop_max_video_count",
        "gop_max_audio_count",
    ] {
        let named = said.lines().any(|line| line.split_whitespace().next() == Some(name));
        assert!(named, "{name}: {said}");
    }
}

#[test]
fn servers_without_names_do_not_share_an_address() {
    let said = refused("server { listen 127.0.0.1:1; } server { listen 127.0.0.1:1; }");
    assert!(
        said.contains("duplicate listen 127.0.0.1:1") && said.contains("server_name"),
        "{said}"
    );
    let said = refused(
        "server { listen 127.0.0.1:1 default_server; server_name a; }
         server { listen 127.0.0.1:1 default_server; server_name b; }",
    );
    assert!(said.contains("a duplicate default server for 127.0.0.1:1"), "{said}");
}
