//! Manual recorders, hooks, events, and files that are deleted after a while.

use support::{Server, wait_for};

use crate::film::Publisher;
use crate::program::Program;
use crate::recorded::{is_all_of, media, names, path, probe, sent, wait_for_end};
use crate::{up, up_with, with};

fn control(server: &Server, rest: &str) -> (u16, String) {
    let answer = server.get(&format!("/control/record/{rest}"));
    (answer.status, answer.text())
}

#[test]
fn an_operator_starts_and_stops() {
    let server = up("recorder m { record all manual; record_suffix -m.flv; }
         recorder n { record all manual; record_unique on; }");
    assert_eq!(control(&server, "start?app=live&name=s&rec=m").0, 404, "nobody publishes");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(2500);
    for wrong in
        ["start?app=live&name=s&rec=x", "start?app=live&name=s", "begin?app=live&name=s&rec=m"]
    {
        assert_eq!(control(&server, wrong).0, 404, "{wrong}");
    }
    assert_eq!(control(&server, "stop?app=live&name=s&rec=m"), (204, String::new()));
    let file = path(&server, "s-m.flv");
    let shown = file.to_string_lossy().into_owned();
    assert_eq!(control(&server, "start?app=live&name=s&rec=m"), (200, shown.clone()));
    assert_eq!(control(&server, "start?app=live&name=s&rec=m"), (200, shown.clone()), "again");
    publisher.run(3000);
    wait_for("the file", || std::fs::metadata(&file).is_ok_and(|about| about.len() > 150_000));
    assert_eq!(control(&server, "stop?app=live&name=s&rec=m"), (200, shown));
    wait_for_end(&file);
    publisher.run(1000);
    publisher.end();
    let found = media(&file);
    assert!(found[0].is_key() && found[0].time == 0, "it begins with a key frame");
    let all = sent(6500);
    let begin = all.iter().position(|message| message.payload == found[0].payload);
    let begin = begin.expect("it was sent");
    is_all_of(&found, &all[begin..begin + found.len()]);
    probe(&file);
    assert_eq!(names(&server), ["s-m.flv"], "the other was not asked for");
}

/// A name with the time in it is the one that was told, and another one each time; a recorder that nobody has started stays empty, who
/// dies has not stopped it.
#[test]
fn what_an_operator_is_told_is_the_file() {
    let server = up("recorder n { record all manual; record_unique on; record_interval 1s; }
         recorder other { record all manual; record_suffix -other.flv; } publish_grace 20s;");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(1000);
    let mut told = Vec::new();
    for _ in 0..2 {
        let before = names(&server).len();
        let (status, shown) = control(&server, "start?app=live&name=s&rec=n");
        assert_eq!(status, 200);
        publisher.run(2000);
        wait_for("the file", || std::path::Path::new(&shown).exists());
        // It goes on by itself.
        publisher.run(2000);
        wait_for("the next one", || names(&server).len() >= before + 2);
        let (status, last) = control(&server, "stop?app=live&name=s&rec=n");
        assert!(status == 200 && last != shown, "{last}: {:?}", names(&server));
        wait_for_end(std::path::Path::new(&last));
        told.push(shown);
        let stopped = names(&server);
        publisher.run(3000);
        assert_eq!(names(&server), stopped);
        let now = || std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
        let second = now();
        wait_for("another second", || now() > second);
    }
    assert_ne!(told[0], told[1]);
    // Whether it is to record outlives who records.
    assert_eq!(control(&server, "start?app=live&name=s&rec=other").0, 200);
    publisher.run(2000);
    let file = path(&server, "s-other.flv");
    wait_for("the file", || file.exists());
    let worker = server.connected_worker();
    support::process::kill(&[worker]);
    wait_for("another worker", || server.workers().len() == 2);
    if !publisher.is_alive() {
        publisher.come_back(&server, "s");
    }
    let len = std::fs::metadata(&file).expect("the file").len();
    publisher.run(5000);
    wait_for("more of it", || std::fs::metadata(&file).is_ok_and(|it| it.len() > len + 100_000));
    assert_eq!(control(&server, "stop?app=live&name=s&rec=other").0, 200);
    wait_for_end(&file);
    probe(&file);
}

#[test]
fn hooks_and_listeners_are_told() {
    let program = Program::answering("HTTP/1.0 200 OK\r\n\r\n");
    let settings = format!(
        "record all; on_record_done {0}/default; rtmp_events news:live;
         recorder k {{ record keyframes; record_suffix -k.flv; on_record_done {0}/k; }}",
        program.url()
    );
    let conf = with("sse_zone news 4m;", &settings).replacen(
        "location /stat",
        "location /news { sse_subscribe live; } location /stat",
        1,
    );
    let server = up_with(conf);
    let mut events = server.wire();
    events.send("GET /news HTTP/1.1\r\nHost: x\r\n\r\n");
    events.until("id: ");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(2000);
    publisher.end();
    // Each recorder has its turns at its own time.
    let mut known = Vec::new();
    for _ in 0..4 {
        events.until("event: record_");
        let event = events.until("\n");
        let data = events.until("\n\n");
        assert!(data.contains("\"app\":\"live\",\"name\":\"s\",\"recorder\":\""), "{data}");
        assert_eq!(data.contains("\"duration\":2.0"), event == "done\n", "{data}");
        known.push((data.contains("\"recorder\":\"k\""), event));
    }
    known.sort_by_key(|(recorder, _)| *recorder);
    let events = known.iter().map(|(_, event)| event.trim());
    assert_eq!(events.collect::<Vec<_>>(), ["start", "done", "start", "done"]);
    let mut told: Vec<_> = (0..2).map(|_| program.next()).collect();
    told.sort_by_key(|asked| asked.head.clone());
    for (asked, (to, recorder, name)) in
        told.iter().zip([("POST /default ", "", "s.flv"), ("POST /k ", "k", "s-k.flv")])
    {
        assert!(asked.head.starts_with(to), "{}", asked.head);
        let words = asked.words();
        let file = path(&server, name).to_string_lossy().into_owned();
        for (name, value) in [
            ("call", "record_done"),
            ("app", "live"),
            ("name", "s"),
            ("recorder", recorder),
            ("path", &file),
        ] {
            let is = |(word, said): &&(String, String)| word == name && said == value;
            assert_eq!(words.iter().filter(is).count(), 1, "{name}: {words:?}");
        }
    }
    wait_for_end(&path(&server, "s.flv"));
}

#[test]
fn the_publisher_is_told() {
    let server = up("record all manual; record_notify on;");
    let mut publisher = crate::client::Client::publisher(&server, "s");
    let send = |from: u32, publisher: &mut crate::client::Client| {
        publisher.video(from * 40, &crate::frames::avc_header(1));
        (from..from + 60).for_each(|at| publisher.video(at * 40, &crate::frames::key(at)));
        publisher.sync();
    };
    send(0, &mut publisher);
    assert_eq!(control(&server, "start?app=live&name=s").0, 200);
    send(60, &mut publisher);
    publisher.expect("NetStream.Record.Start");
    assert_eq!(control(&server, "stop?app=live&name=s").0, 200);
    publisher.expect("NetStream.Record.Stop");
}

/// What came before a word is before it in the file, too, though files grow once a second only.
#[test]
fn a_word_counts_from_its_moment_on() {
    use crate::client::Client;
    use crate::frames::{avc_header, key};
    let server = up("record all manual; record_notify on;");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &avc_header(1));
    let send = |from: u32, publisher: &mut Client| {
        (from..from + 60).for_each(|at| publisher.video(at * 40, &key(at)));
        publisher.sync();
    };
    send(0, &mut publisher);
    assert_eq!(control(&server, "start?app=live&name=s").0, 200);
    send(60, &mut publisher);
    publisher.expect("NetStream.Record.Start");
    send(120, &mut publisher);
    assert_eq!(control(&server, "stop?app=live&name=s").0, 200);
    send(180, &mut publisher);
    wait_for_end(&path(&server, "s.flv"));
    let pictures = media(&path(&server, "s.flv"));
    let (first, last) = (key(60), key(179));
    assert_eq!(pictures.len(), 120);
    assert_eq!(pictures.first().map(|it| &it.payload[..]), Some(&first[..]));
    assert_eq!(pictures.last().map(|it| &it.payload[..]), Some(&last[..]));
}

/// Who was answered is obeyed, though the worker dies before anything comes that could be recorded.
#[test]
fn a_word_outlives_its_worker() {
    use crate::client::Client;
    use crate::frames::{avc_header, key};
    let server = up("publish_grace 30s; record all manual;");
    let publish = |from: u32| {
        let mut publisher = Client::publisher(&server, "s");
        publisher.video(from * 40, &avc_header(1));
        (from..from + 60).for_each(|at| publisher.video(at * 40, &key(at)));
        publisher.sync();
        publisher
    };
    let first = publish(0);
    assert_eq!(control(&server, "start?app=live&name=s").0, 200);
    let workers = server.workers();
    support::process::kill(&workers);
    wait_for("other workers", || {
        let now = server.workers();
        now.len() == workers.len() && now.iter().all(|worker| !workers.contains(worker))
    });
    drop(first);
    let _second = publish(60);
    wait_for("a file", || path(&server, "s.flv").exists());
}

#[test]
fn old_files_are_deleted_and_only_its_own() {
    let server = up("record all; record_unique on; record_delete_after 1s;
         recorder keep { record_delete_after off; record_suffix -keep.flv; }");
    server.file("rec/foreign-1.flv", "mine");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(2000);
    publisher.end();
    wait_for("two files", || names(&server).len() == 3);
    let own =
        names(&server).into_iter().find(|name| name.starts_with("s-") && !name.contains("keep"));
    let own = own.expect("a file");
    wait_for("its end", || !path(&server, &own).exists());
    // Another one of the same name is a stranger's.
    server.file(&format!("rec/{own}"), "mine");
    let mut publisher = Publisher::new(&server, "t");
    publisher.run(1000);
    publisher.end();
    wait_for("the next one", || names(&server).iter().any(|name| name.starts_with("t-")));
    wait_for("its end", || {
        !names(&server).iter().any(|name| name.starts_with("t-") && !name.contains("keep"))
    });
    let left = names(&server);
    assert!(left.contains(&own) && left.contains(&"foreign-1.flv".to_owned()), "{left:?}");
    assert_eq!(left.iter().filter(|name| name.contains("keep")).count(), 2, "{left:?}");
}
