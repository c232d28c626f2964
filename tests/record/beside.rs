//! nginx-rtmp, with the same configuration, records the same.

use std::path::Path;
use std::process::Command;

use support::{Twin, process, wait_for};

use crate::about_to;
use crate::film;
use crate::recorded::{is_all_of, media, names, wait_for_end};

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
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-re", "-t", "3", "-i"]).arg(film::path());
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

#[test]
fn names_and_frames_are_the_same() {
    let site = support::site("");
    let server = about_to(format!("{site} {RTMP}")).start();
    let module = "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;";
    let twin =
        Twin::start(format!("{module} {site} {}", RTMP.replace("{dir}/rec", "{dir}")), &server);
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
