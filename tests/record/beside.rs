//! nginx-rtmp, with the same configuration, records the same.

use std::path::Path;
use std::process::Command;

use support::{Server, Twin, process, wait_for};

use crate::about_to;
use crate::film;
use crate::program::Program;
use crate::recorded::{is_all_of, media, names, path, wait_for_end};

const RTMP: &str = "rtmp { server { listen 127.0.0.1:{port2}; application live {
    live on; record all; record_path {dir}/rec;
    recorder a { record audio; record_suffix -a.flv; }
    recorder v { record video; record_suffix -v.flv; }
    recorder k { record keyframes; record_suffix -k.flv; }
    recorder off { record off; record_suffix -off.flv; }
    recorder m { record all manual; record_suffix -m.flv; }
    recorder f { record all; record_max_frames 60; record_interval 1h; record_suffix -f.flv; }
    recorder y { record all; record_suffix -%Y.flv; } } } }";

const SUFFIXES: [&str; 4] = ["", "-a", "-v", "-k"];

fn publish(port: u16, name: &str) {
    publish_for(port, name, "3");
}

fn publish_for(port: u16, name: &str, seconds: &str) {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-re", "-t", seconds, "-i"]).arg(film::path());
    let url = format!("rtmp://127.0.0.1:{port}/live/{name}");
    let output = process::run(ffmpeg.args(["-map", "0", "-c", "copy", "-f", "flv", &url]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn listed(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("a directory").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// Both, with one configuration: where rserve's has `{dir}/rec`, nginx's own files are.
fn both(rtmp: &str) -> (Server, Twin) {
    let site = support::site("location /control { rtmp_control all; }");
    let server = about_to(format!("{site} {rtmp}")).start();
    let module = "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;";
    let rtmp = rtmp.replace("{dir}/rec", "{dir}");
    let twin = Twin::start(format!("{module} {site} {rtmp}"), &server);
    (server, twin)
}

#[test]
fn names_and_frames_are_the_same() {
    let (server, twin) = both(RTMP);
    // nginx-rtmp's recordings are among its own files.
    let theirs = twin.dir().path("");
    for name in ["cam", "a-b_c~d.e"] {
        publish(server.port2(), name);
        publish(twin.port2(), name);
    }
    let wanted = |name: &String| name.ends_with(".flv");
    let their_names: Vec<String> = listed(&theirs).into_iter().filter(wanted).collect();
    wait_for("the same names", || names(&server) == their_names);
    for name in ["cam", "a-b_c~d.e"] {
        for suffix in SUFFIXES {
            let file = format!("{name}{suffix}.flv");
            let ours = server.path("rec").join(&file);
            wait_for_end(&ours);
            is_all_of(&media(&ours), &media(&theirs.join(&file)));
        }
        // nginx-rtmp counts a header.
        let file = format!("{name}-f.flv");
        let (ours, theirs) = (media(&server.path("rec").join(&file)), media(&theirs.join(&file)));
        assert_eq!((ours.len(), theirs.len()), (60, 59));
        is_all_of(&ours[..59], &theirs);
    }
}

/// The recordings that nginx has made, by their dates.
fn theirs(twin: &Twin) -> Vec<std::path::PathBuf> {
    let directory = twin.dir().path("");
    let names = listed(&directory).into_iter().filter(|name| name.ends_with(".flv"));
    names.map(|name| directory.join(name)).collect()
}

/// Files that follow each other: nothing is lost between them, nor there twice.
#[test]
fn what_follows_is_the_same() {
    let (server, twin) = both(
        "rtmp { server { listen 127.0.0.1:{port2}; application live { live on; record_path {dir}/rec;
            record all; record_interval 2s; record_unique on; } } }",
    );
    publish_for(server.port2(), "s", "5");
    publish_for(twin.port2(), "s", "5");
    let count = names(&server).len();
    assert!((2..=3).contains(&count), "{:?}", names(&server));
    assert!((2..=3).contains(&theirs(&twin).len()), "{:?}", theirs(&twin));
    let ours: Vec<_> = names(&server).iter().map(|name| path(&server, name)).collect();
    ours.iter().for_each(|file| wait_for_end(file));
    let all = |files: &[std::path::PathBuf]| {
        files.iter().flat_map(|file| media(file)).collect::<Vec<_>>()
    };
    is_all_of(&all(&ours), &all(&theirs(&twin)));
}

/// Who asks gets the same answers, and hooks are told the same words.
#[test]
fn operators_and_programs_are_told_the_same() {
    let (our_program, their_program) = (
        Program::answering("HTTP/1.0 200 OK\r\n\r\n"),
        Program::answering("HTTP/1.0 200 OK\r\n\r\n"),
    );
    let rtmp = |program: &Program| {
        format!(
            "rtmp {{ server {{ listen 127.0.0.1:{{port2}}; application live {{ live on; record_path {{dir}}/rec;
                recorder m {{ record all manual; record_suffix -m.flv; on_record_done {}/done?x=1; }} }} }} }}",
            program.url()
        )
    };
    let site = support::site("location /control { rtmp_control all; }");
    let server = about_to(format!("{site} {}", rtmp(&our_program))).start();
    let module = "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;";
    let their_rtmp = rtmp(&their_program).replace("{dir}/rec", "{dir}");
    let twin = Twin::start(format!("{module} {site} {their_rtmp}"), &server);
    let ports = [server.port2(), twin.port2()];
    let publishers = ports.map(|port| std::thread::spawn(move || publish_for(port, "s", "6")));
    let told = |what: &str| {
        let path = format!("/control/record/{what}");
        let name = |text: String| text.rsplit('/').next().unwrap_or_default().to_owned();
        let (ours, theirs) = (server.get(&path), support::curl(&[&twin.url(&path)]));
        [(ours.status, name(ours.text())), (theirs.status, name(theirs.text()))]
    };
    let file = (200, "s-m.flv".to_owned());
    let start = "start?app=live&name=s&rec=m";
    let begun = std::cell::RefCell::new([false; 2]);
    wait_for("the streams", || {
        let answers = told(start);
        let mut begun = begun.borrow_mut();
        (0..2).for_each(|at| begun[at] |= answers[at] == file);
        *begun == [true; 2]
    });
    let has = |directory: &Path| {
        std::fs::metadata(directory.join("s-m.flv")).is_ok_and(|it| it.len() > 60_000)
    };
    wait_for("the files", || has(&server.path("rec")) && has(&twin.dir().path("")));
    assert_eq!(told("stop?app=live&name=s&rec=m"), [file.clone(), file]);
    let [ours, theirs] = [our_program.next(), their_program.next()];
    let words = |asked: &crate::program::Asked| {
        let mut names: Vec<String> = asked.words().into_iter().map(|(name, _)| name).collect();
        names.sort();
        names
    };
    assert_eq!(words(&ours), words(&theirs));
    let line = |asked: &crate::program::Asked| asked.head.lines().next().map(str::to_owned);
    assert_eq!(line(&ours), line(&theirs));
    for publisher in publishers {
        publisher.join().expect("it published");
    }
    assert_eq!(names(&server), ["s-m.flv"]);
}
