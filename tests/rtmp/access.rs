//! Who may publish and play: by address, key, signature, login, and how many.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use support::{Server, start, wait_for};

use crate::client::Client;
use crate::frames::key;
use crate::{up, with_server};

#[track_caller]
fn publish(server: &Server, name: &str) -> String {
    Client::connect(server, "live").try_publish(name)
}

#[track_caller]
fn play(server: &Server, name: &str) -> String {
    Client::connect(server, "live").try_play(name)
}

/// The status of an answer that may go on for ever.
#[track_caller]
fn get(server: &Server, path: &str) -> String {
    let mut wire = server.wire();
    wire.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    wire.until("\r\n\r\n").split(' ').nth(1).unwrap_or_default().to_owned()
}

const STARTS: (&str, &str) = ("NetStream.Publish.Start", "NetStream.Play.Start");
const FAILS: (&str, &str) = ("NetStream.Publish.Denied", "NetStream.Play.Failed");

#[test]
fn by_address() {
    for (rules, may_publish, may_play) in [
        ("", true, true),
        ("deny all;", false, false),
        ("deny publish all;", false, true),
        ("deny play all;", true, false),
        (
            "allow publish 127.0.0.1; deny publish all; allow play 10.0.0.0/8; deny play all;",
            true,
            false,
        ),
        ("allow 127.0.0.0/8; deny all;", true, true),
        ("allow 127.0.0.2; deny all;", false, false),
        ("deny play 127.0.0.1; allow play all;", true, false),
    ] {
        let server = up(rules);
        let wanted = if may_publish { STARTS.0 } else { FAILS.0 };
        assert_eq!(publish(&server, "s"), wanted, "{rules}");
        let wanted = if may_play { STARTS.1 } else { FAILS.1 };
        assert_eq!(play(&server, "s"), wanted, "{rules}");
        let wanted = if may_play { "200" } else { "403" };
        assert_eq!(get(&server, "/live/s.flv"), wanted, "{rules}");
        assert_eq!(get(&server, "/flv?app=live&stream=s"), wanted, "{rules}");
    }
}

#[test]
fn rules_of_outer_blocks_come_after_the_inner_ones() {
    let apps = "deny publish all;
         application open { live on; allow publish 127.0.0.1; }
         application shut { live on; }";
    let server = start!(with_server("", apps));
    assert_eq!(Client::connect(&server, "open").try_publish("s"), STARTS.0);
    assert_eq!(Client::connect(&server, "shut").try_publish("s"), FAILS.0);
}

#[test]
fn by_key() {
    let server = up("stream_key publish * general; stream_key publish cam one two;
         stream_key play cam secret;");
    for (name, may) in [
        ("s?key=general", true),
        ("s", false),
        ("s?key=", false),
        ("s?key=genera", false),
        ("cam?key=one", true),
        ("dam?x=y&key=general", true),
        ("cam?key=general", false),
        ("cam?key=secret", false),
        ("cam?yek=two", false),
    ] {
        assert_eq!(publish(&server, name), if may { STARTS.0 } else { FAILS.0 }, "{name}");
        wait_for("its end", || !server.get("/stat").text().contains("<publishing/>"));
    }
    assert_eq!(publish(&server, "cam?key=two"), STARTS.0);
    for (name, may) in
        [("cam?key=secret", true), ("cam", false), ("cam?key=one", false), ("s", true)]
    {
        assert_eq!(play(&server, name), if may { STARTS.1 } else { FAILS.1 }, "{name}");
    }
    assert_eq!(get(&server, "/live/cam.flv"), "403");
    assert_eq!(get(&server, "/live/cam.flv?key=secret"), "200");
    assert_eq!(get(&server, "/flv?app=live&stream=cam&key=secret"), "200");
    assert_eq!(get(&server, "/flv?app=live&stream=cam&key=x"), "403");
}

fn sign(deed: &str, name: &str, expires: u64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret").expect("any key");
    mac.update(format!("{deed}/live/{name}?expires={expires}").as_bytes());
    let hex: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("expires={expires}&sign={hex}")
}

#[test]
fn by_signature() {
    let server = up("signed_url all s3cret;");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("a time").as_secs();
    let later = now + 1000;
    assert_eq!(publish(&server, &format!("s?{}", sign("publish", "s", later))), STARTS.0);
    assert_eq!(play(&server, &format!("s?{}", sign("play", "s", later))), STARTS.1);
    let good = sign("play", "s", later);
    assert_eq!(get(&server, &format!("/live/s.flv?{good}")), "200");
    for bad in [
        sign("publish", "s", later),
        sign("play", "t", later),
        sign("play", "s", now - 1),
        sign("play", "s", 0),
        good.replace(&later.to_string(), &(later + 1).to_string()),
        good[..good.len() - 2].to_owned(),
        format!("expires={later}"),
        String::new(),
    ] {
        assert_eq!(play(&server, &format!("s?{bad}")), FAILS.1, "{bad}");
        assert_eq!(get(&server, &format!("/live/s.flv?{bad}")), "403", "{bad}");
    }
}

/// As far as it can be seen without an encoder.
#[test]
fn who_has_not_logged_in_is_told_how() {
    let server = up("login publish anna s3cret;");
    let mut encoder = Client::open(server.port2());
    encoder.connect_to("live", &[("type", "nonprivate")]);
    let refusal = encoder.status().expect("an answer");
    assert_eq!(refusal.info("code"), "NetConnection.Connect.Rejected");
    let words = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ]";
    assert!(refusal.info("description").contains(words), "{}", refusal.info("description"));
    assert_eq!(encoder.rest(), [""; 0]);
    let mut encoder = Client::open(server.port2());
    encoder.connect_to("live?authmod=adobe&user=anna", &[("type", "nonprivate")]);
    let refusal = encoder.status().expect("an answer").info("description");
    assert!(refusal.contains("?reason=needauth&user=anna&salt="), "{refusal}");
    let mut encoder = Client::open(server.port2());
    encoder.connect_to("live?authmod=adobe&user=otto", &[]);
    let refusal = encoder.status().expect("an answer").info("description");
    assert!(refusal.contains("?reason=authfailed"), "{refusal}");
    wait_for("its line", || {
        server.error_log().contains("a login is refused: wrong user or password, client: 127.0.0.1")
    });
    // By HTTP there is no way to log in.
    let guarded = up("login play otto word;");
    assert_eq!(get(&guarded, "/live/s.flv"), "403");
    assert_eq!(get(&guarded, "/flv?app=live&stream=s&authmod=adobe&user=otto"), "403");
    // One that does not ask to log in comes in, but cannot publish.
    assert_eq!(publish(&server, "s"), FAILS.0);
    assert_eq!(play(&server, "s"), STARTS.1);
}

#[test]
fn by_number_over_all_workers() {
    let server = start!(with_server("max_connections 5;", "application live { live on; }"));
    let mut clients: Vec<Client> = (0..5).map(|_| Client::connect(&server, "live")).collect();
    let refused = || {
        let mut client = Client::open(server.port2());
        client.connect_to("live", &[]);
        client.answer() == "NetConnection.Connect.Rejected"
    };
    assert!((0..5).all(|_| refused()));
    clients.pop();
    wait_for("a free place", || !refused());
    clients.pop().expect("a client").reset();
    wait_for("two free places", || !refused());
    clients.push(Client::connect(&server, "live"));
    // Those that were refused have taken no place, nor has one that is gone.
    wait_for("a free place", || !refused());
    // A worker that is killed gives back the places of its clients.
    for pid in server.workers() {
        support::process::kill(&[pid]);
    }
    drop(clients);
    wait_for("new workers", || server.workers().len() == 2);
    let clients: Vec<Client> = (0..5).map(|_| Client::connect(&server, "live")).collect();
    assert!(refused());
    drop(clients);
    let mut publisher = None;
    wait_for("places", || {
        let mut client = Client::open(server.port2());
        client.connect_to("live", &[]);
        let inside = client.answer() == "NetConnection.Connect.Success";
        publisher = Some(client);
        inside
    });
    let mut publisher = publisher.expect("a client");
    publisher.publish("s");
    publisher.video(0, &key(1));
    publisher.sync();
}

/// OBS keeps the server's address apart from the key: the secret may stand in either. SRS looks at both.
#[test]
fn a_key_may_stand_in_the_applications_address() {
    let server = up("stream_key publish * SECRET; signed_url play S;");
    let ask = |app: &str, name: &str| Client::connect(&server, app).try_publish(name);
    assert_eq!(ask("live?key=SECRET", "a"), STARTS.0);
    assert_eq!(ask("live/room?key=SECRET", "cam?x=y"), STARTS.0);
    assert_eq!(ask("live", "b?key=SECRET"), STARTS.0);
    assert_eq!(ask("live?key=SECRET", "c?key=no"), FAILS.0, "the stream's own comes first");
    assert_eq!(ask("live?key=no", "d"), FAILS.0);
    let mut mac = Hmac::<Sha256>::new_from_slice(b"S").expect("a key");
    mac.update(b"play/live/cam?expires=4102444800");
    let sign: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let app = format!("live?expires=4102444800&sign={sign}");
    assert_eq!(Client::connect(&server, &app).try_play("cam"), STARTS.1);
    assert_eq!(Client::connect(&server, &app).try_play("cat"), FAILS.1);
    // The client is told before the log is.
    let line = "publishing is refused: The stream needs its key, client: 127.0.0.1, application: live, stream: \"d\"";
    server.wait_for("a line", || server.error_log().contains(line));
}
