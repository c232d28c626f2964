//! Streams that outlive workers and configurations (case 44 of the reference).

use support::{Server, proc, process, wait_for};

use crate::client::Client;
use crate::flv::Flv;
use crate::frames::{avc_header, inter, key};
use crate::{conf, up};

#[track_caller]
fn reload(server: &Server) {
    let output = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "reload: {said}\n{}", server.error_log());
}

#[test]
fn a_reload_interrupts_nobody_and_new_workers_see_the_stream() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    let mut http = Flv::get(&server, "/live/s.flv");
    publisher.video(0, &avc_header(1));
    publisher.video(0, &key(0));
    let (mut time, mut others) = (0, Vec::new());
    for round in 1..4 {
        let old = server.workers();
        server.set_conf(conf(&format!("merge_write {round}ms;")));
        reload(&server);
        wait_for("new workers", || server.workers().iter().any(|pid| !old.contains(pid)));
        for _ in 0..5 {
            time += 40;
            publisher.video(time, &inter(time));
        }
        publisher.sync();
        let mut late = Client::player(&server, "s");
        let said = late.frames_to(&format!("p{time}"));
        assert_eq!(said[..2], ["vh1@0", "k0@0"]);
        assert_eq!(said.last(), Some(&format!("p{time}@{time}")));
        // Another one cannot publish it, although it comes to another worker.
        let mut second = Client::connect(&server, "live");
        assert_eq!(second.try_publish("s"), "NetStream.Publish.BadName");
        others.push(late);
    }
    let mut wanted = vec!["vh1@0".to_owned(), "k0@0".into()];
    wanted.extend((1..=time / 40).map(|n| format!("p{0}@{0}", n * 40)));
    assert_eq!(player.frames(wanted.len()), wanted);
    assert_eq!(http.frames(wanted.len()), wanted);
    let stat = server.get("/stat").text();
    assert_eq!(stat.matches("<client>").count(), 3 + others.len(), "all workers tell: {stat}");
    drop((publisher, player, http, others));
    wait_for("the old workers to end", || server.workers().len() == 2);
    assert_eq!(server.get("/stat").text().matches("<client>").count(), 0);
}

#[test]
fn a_new_chunk_size_is_told_to_players_that_stay() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    publisher.video(0, &crate::frames::key_of(1, 20_000));
    assert_eq!(player.frames(1), ["k1@0"]);
    server.set_conf(
        conf("chunk_size 1000;")
            .replace("rtmp {", "rtmp { chunk_size 1000;")
            .replace("live on; chunk_size 1000;", "live on;"),
    );
    let old = server.workers();
    reload(&server);
    wait_for("new workers", || server.workers().iter().any(|pid| !old.contains(pid)));
    // The stream goes on in a new worker.
    publisher.reset();
    let mut again = Client::next_publisher(&server, "s");
    again.video(0, &crate::frames::key_of(2, 20_000));
    let frame = player.frame();
    assert_eq!(frame.payload, crate::frames::key_of(2, 20_000));
}

#[test]
fn a_publishers_worker_dies_and_players_elsewhere_go_on() {
    let server = up("publish_grace 20s;");
    let workers = server.workers();
    let mut publisher = Client::publisher(&server, "s");
    let grown = |at: usize| proc::connections(workers[at]) > 0;
    wait_for("its connection", || grown(0) || grown(1));
    let (its, other) = if grown(0) { (0, 1) } else { (1, 0) };
    publisher.video(1000, &avc_header(1));
    publisher.video(1000, &key(1));
    publisher.sync();
    // A player in the other worker, which is left when the publisher's is gone.
    let mut player = server.only(workers[other], || {
        let mut player = Client::player(&server, "s");
        assert_eq!(player.frames(2), ["vh1@0", "k1@0"]);
        player
    });
    process::kill(&[workers[its]]);
    let mut again = Client::next_publisher(&server, "s");
    again.video(0, &avc_header(2));
    again.video(0, &key(2));
    again.video(40, &inter(3));
    let frames = player.take(3);
    assert_eq!(
        frames.iter().map(|f| &f.payload).collect::<Vec<_>>(),
        [&avc_header(2), &key(2), &inter(3)]
    );
    assert!(frames[0].time > 0 && frames[2].time == frames[1].time + 40, "{frames:?}");
    drop((player, again));
    wait_for("all to be gone", || !server.get("/stat").text().contains("<client>"));
}

#[test]
fn an_upgrade_keeps_streams() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    publisher.video(0, &key(0));
    assert_eq!(player.frames(1), ["k0@0"]);
    let old = server.pid();
    server.signal("USR2");
    server.wait_for("the new master", || {
        server.dir().text("logs/rserve.pid").trim().parse().is_ok_and(|pid: u32| pid != old)
    });
    for n in 1..10 {
        publisher.video(n * 40, &inter(n));
        let mut late = Client::player(&server, "s");
        let said = late.frames_to(&format!("p{n}"));
        assert_eq!(said.first().map(String::as_str), Some("k0@0"), "{n}");
        assert_eq!(player.frames(1), [format!("p{n}@{}", n * 40)]);
    }
    process::signal(old, "QUIT");
    publisher.video(400, &inter(10));
    assert_eq!(player.frames(1), ["p10@400"]);
    drop((publisher, player));
    process::wait_for_end(old);
}
