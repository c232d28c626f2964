//! What clients may ask for, and how long they may take.

use std::io::Write;

use proto::rtmp::chunk;
use proto::rtmp::message::{self, UserControl};
use support::{Server, proc, start, wait_for};

use crate::client::Client;
use crate::frames::{key, key_of};
use crate::{up, up_with, with_server};

#[test]
fn a_message_may_be_so_long_and_no_longer() {
    let server = up_with("max_message 100k;");
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    let most = 100 * 1024 - 9;
    publisher.video(0, &key_of(1, most));
    assert_eq!(player.frames(1), ["k1@0"]);
    // It is closed by what it announces, not by what it sends.
    publisher.send(&chunk::full(7, message::VIDEO, 1, 40, 100 * 1024 + 1));
    assert_eq!(publisher.rest(), [""; 0]);
    wait_for("a word", || server.error_log().contains("a message is too long"));
}

fn memory(server: &Server) -> u64 {
    server.workers().iter().map(|&pid| proc::memory_kb(pid)).sum()
}

/// Many messages that are begun and never finished.
#[test]
fn what_is_not_finished_holds_only_so_much() {
    let server = up_with("max_memory 1m; max_streams 100;");
    let before = memory(&server);
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Client::connect(&server, "live");
        client.set_chunk_size(60_000);
        for csid in 10..90 {
            client.send(&chunk::full(csid, message::VIDEO, 1, 0, 16_000_000));
            client.send(&vec![0; 60_000]);
        }
        clients.push(client);
    }
    for client in &mut clients {
        assert_eq!(client.rest(), [""; 0]);
    }
    // Announced is not held: what these say is small.
    let mut clients: Vec<Client> = (0..50).map(|_| Client::connect(&server, "live")).collect();
    for client in &mut clients {
        client.set_chunk_size(16_000_000);
        client.send(&chunk::full(10, message::VIDEO, 1, 0, 16_000_000));
        client.send(b"x");
    }
    assert!(memory(&server) < before + 20_000, "{} of {before}", memory(&server));
}

#[test]
fn silence_is_asked_about_and_then_it_is_the_end() {
    let server = up_with("ping 100ms; ping_timeout 300ms;");
    let mut lively = Client::connect(&server, "live");
    let mut silent = Client::connect(&server, "live");
    let is_ping = |m: &crate::client::Message| {
        matches!(UserControl::parse(&m.payload), Some(UserControl::Ping(_)))
            && m.kind == message::USER_CONTROL
    };
    for _ in 0..8 {
        let ping = lively.until(is_ping);
        let Some(UserControl::Ping(time)) = UserControl::parse(&ping.payload) else { panic!() };
        let mut pong = Vec::new();
        UserControl::Pong(time).write(&mut pong);
        lively.message(2, message::USER_CONTROL, 0, 0, &pong);
    }
    let said = silent.rest();
    assert!(said.len() == 1 && said[0].contains("Ping"), "{said:?}");
    lively.sync();
}

#[test]
fn a_busy_server_does_not_ask() {
    let server = up_with("ping 200ms; busy on;");
    let mut silent = Client::connect(&server, "live");
    assert_eq!(silent.rest(), [""; 0]);
    // Off is off.
    let server = up_with("ping 0; ping_timeout 100ms;");
    let mut quiet = Client::connect(&server, "live");
    let mut publisher = Client::publisher(&server, "s");
    quiet.play("s");
    publisher.video(0, &key(1));
    assert_eq!(quiet.frames(1), ["k1@0"]);
}

/// A client whose bytes come through a proxy.
#[track_caller]
fn through(server: &Server, header: &[u8]) -> Client {
    let mut client = Client::wire(server.port2());
    client.send(header);
    client
}

#[track_caller]
fn come_in(client: &mut Client) {
    client.shake_hands(proto::rtmp::handshake::ClientHandshake::new([7; 1536]));
    client.connect_to("live", &[]);
    client.expect("NetConnection.Connect.Success");
}

#[test]
fn proxies_tell_who_the_client_is() {
    let conf =
        with_server("", "application live { live on; allow publish 192.0.2.7; deny publish all; }");
    let server = start!(conf.replace("{port2};", "{port2} proxy_protocol;"));
    let v2 = |command: u8, address: [u8; 4]| {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
        header.extend_from_slice(&[command, 0x11, 0, 12]);
        header.extend_from_slice(&address);
        header.extend_from_slice(&[10, 0, 0, 2, 0x12, 0x34, 7, 0x8F]);
        header
    };
    for (header, may) in [
        (&b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 1935\r\n"[..], true),
        (b"PROXY TCP4 192.0.2.8 198.51.100.1 56324 1935\r\n", false),
        (b"PROXY TCP6 2001:db8::7 ::1 1 1935\r\n", false),
        (b"PROXY UNKNOWN\r\n", false),
        (&v2(0x21, [192, 0, 2, 7]), true),
        (&v2(0x21, [192, 0, 2, 8]), false),
        (&v2(0x20, [192, 0, 2, 7]), false),
    ] {
        for size in [header.len(), 1, 13] {
            let mut client = Client::wire(server.port2());
            header.chunks(size).for_each(|piece| client.send(piece));
            come_in(&mut client);
            let code = client.try_publish("s");
            assert_eq!(code == "NetStream.Publish.Start", may, "{code} {header:?}");
            if may {
                let stat = server.get("/stat").text();
                assert!(stat.contains("<address>192.0.2.7</address>"), "{stat}");
            }
            drop(client);
            wait_for("its end", || !server.get("/stat").text().contains("<publishing/>"));
        }
    }
    // Without a header, or with a wrong one: not a word.
    let mut absent = through(&server, &[3]);
    assert_eq!(absent.some(), 0);
    for wrong in
        ["PROXY TCP4 1.2.3.4\r\n", "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", "GET / HTTP/1.1\r\n\r\n"]
    {
        assert_eq!(through(&server, wrong.as_bytes()).some(), 0, "{wrong:?}");
    }
    // Who is not asked for one cannot forge one.
    let server = up("");
    assert_eq!(through(&server, b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 1935\r\n").some(), 0);
}

/// More clients than there are connections for.
#[test]
fn too_many_clients_are_turned_away_and_the_others_go_on() {
    let conf = with_server("", "application live { live on; }");
    let server = start!(conf.replace("worker_connections 1000", "worker_connections 24"));
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &key(1));
    let mut player = Client::player(&server, "s");
    assert_eq!(player.frames(1), ["k1@0"]);
    let many: Vec<_> =
        (0..100).map(|_| std::net::TcpStream::connect(("127.0.0.1", server.port2()))).collect();
    for n in 1..20 {
        publisher.video(n * 40, &key(n));
        assert_eq!(player.frames(1), [format!("k{n}@{}", n * 40)]);
    }
    drop(many);
    wait_for("a free place", || {
        let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", server.port2())) else {
            return false;
        };
        use std::io::Read;
        let _ = stream.set_read_timeout(Some(std::time::Duration::from_secs(5)));
        let answer = stream.write_all(&[3; 1537]).and_then(|()| stream.read(&mut [0; 10]));
        answer.is_ok_and(|count| count > 0)
    });
}

/// Fewer descriptors than clients.
#[test]
fn a_lack_of_descriptors_passes() {
    let conf = with_server("", "application live { live on; }");
    let server = start!(format!("worker_rlimit_nofile 40; {conf}"));
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &key(1));
    publisher.sync();
    let many: Vec<_> =
        (0..150).map(|_| std::net::TcpStream::connect(("127.0.0.1", server.port2()))).collect();
    publisher.video(40, &key(2));
    publisher.sync();
    drop(many);
    let mut player = Client::player(&server, "s");
    assert_eq!(player.frames(1), ["k2@0"]);
}

#[test]
fn there_is_room_for_so_many_streams() {
    let server = start!(
        with_server("", "application live { live on; }").replace("rtmp_zone 32m", "rtmp_zone 1m")
    );
    let mut publishers = Vec::new();
    let mut refused = 0;
    for n in 0..3000 {
        if n % 25 == 0 {
            publishers.push(Client::connect(&server, "live"));
        }
        let client = publishers.last_mut().expect("a client");
        match client.try_publish(&format!("stream {n}")).as_str() {
            "NetStream.Publish.Start" => assert_eq!(refused, 0, "{n}"),
            "NetStream.Publish.BadName" => refused += 1,
            other => panic!("{other}"),
        }
        if refused > 3 {
            break;
        }
    }
    drop(publishers);
}

/// Who asks and asks, and takes no answer, holds only so much.
#[test]
fn answers_that_nobody_takes_are_not_piled_up() {
    let server = up("");
    let before = memory(&server);
    let mut asks = Client::connect(&server, "live");
    let mut socket = crate::flv::Flv::socket(&server, "/live/s.flv", "");
    // Each of these makes an answer of its size.
    let mut question = Vec::new();
    let name = "x".repeat(60_000);
    let arguments = [proto::rtmp::amf::Value::Null, name.as_str().into()];
    proto::rtmp::command::encode(&mut question, b"FCPublish", 2.0, &arguments);
    let mut questions = Vec::new();
    chunk::write_message(&mut questions, 1 << 20, 3, message::COMMAND, 0, 0, &question);
    asks.set_chunk_size(1 << 20);
    let mut ping = vec![0x89, 0x80 | 125, 0, 0, 0, 0];
    ping.resize(6 + 125, 7);
    // They go out until the server reads no more.
    let mut asked = Vec::new();
    for (mut stream, bytes) in
        [(asks.socket(), questions), (socket.wire().stream(), ping.repeat(500))]
    {
        stream.set_write_timeout(Some(std::time::Duration::from_millis(300))).expect("SO_SNDTIMEO");
        let most = 300_000_000 / bytes.len();
        let taken = (0..most).take_while(|_| stream.write_all(&bytes).is_ok()).count();
        assert!(taken < most, "all are taken");
        asked.push(taken);
    }
    let held = memory(&server);
    assert!(held < before + 20_000, "{held} of {before}");
    // When the answers are taken it goes on; when the client goes they go, too.
    asks.socket().set_write_timeout(None).expect("SO_SNDTIMEO");
    for _ in 0..asked[0] {
        asks.until(|m| m.name() == "_result");
    }
    drop((asks, socket));
    wait_for("all to be gone", || !server.get("/stat").text().contains("<client>"));
}
