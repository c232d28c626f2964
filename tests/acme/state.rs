//! The folder in which certificates are kept, and what somebody has put there.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use support::certificates::{Authority, Key, Validity};
use support::{Server, Start, process, wait_for};

use crate::pebble::{Pebble, helper, running_helper};

const DAY: u64 = 86_400;

/// The file of the certificate for a.example.
fn file(server: &Server) -> PathBuf {
    let is_ours = |path: &PathBuf| path.to_string_lossy().contains("/a.example-");
    let names = || fs::read_dir(server.path("state")).into_iter().flatten().flatten();
    let find = || names().map(|entry| entry.path()).find(is_ours);
    wait_for("the file", || find().is_some());
    find().expect("it is there")
}

fn prepared(state: &str) -> Start {
    Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(format!(
        "http {{ acme_issuer one {{ uri http://127.0.0.1:1; \n state_path {state}; }}
        server {{ listen 127.0.0.1:{{port}} ssl; server_name a.example; acme_certificate one;
        ssl_certificate $acme_certificate; ssl_certificate_key $acme_certificate_key; }} }}"
    ))
}

#[test]
fn folders_above_it_let_the_helper_through() {
    let pebble = Pebble::start(90 * DAY);
    let issuer = pebble.issuer("").replace("state_path state;", "state_path deep/er/state;");
    let server = pebble.server(&issuer).start();
    pebble.comes(&server, "");
    wait_for("the files", || {
        fs::read_dir(server.path("deep/er/state")).is_ok_and(|all| all.count() == 2)
    });
    let mode = |path: &str| fs::metadata(server.path(path)).expect("a folder").mode() & 0o777;
    assert_eq!(["deep", "deep/er", "deep/er/state"].map(mode), [0o755, 0o755, 0o700]);
}

#[test]
fn a_folder_of_others_is_refused_and_stays_theirs() {
    let refused = |what: &str, prepare: &dyn Fn(&PathBuf)| {
        let start = prepared("state");
        let dir = start.dir();
        let state = dir.path("state");
        prepare(&state);
        let before = fs::metadata(&state).expect("it is there");
        let (_, said) = start.fail();
        assert!(
            said.contains("\"state_path\" in ") && said.contains(":2 cannot be used"),
            "{said}"
        );
        assert!(said.contains(&state.display().to_string()) && said.contains(what), "{said}");
        let after = fs::metadata(&state).expect("it is there");
        assert_eq!((before.uid(), before.mode()), (after.uid(), after.mode()));
    };
    refused("others may write there", &|state| {
        fs::create_dir(state).expect("a folder");
        std::os::unix::fs::chown(state, workers_user(), None).expect("chown");
        fs::set_permissions(state, Permissions::from_mode(0o777)).expect("chmod");
    });
    refused("a link", &|state| {
        let other = state.with_file_name("other");
        fs::create_dir(&other).expect("a folder");
        symlink(other, state).expect("a link");
    });
    if is_root() {
        refused("it must be nobody's", &|state| fs::create_dir(state).expect("a folder"));
    }
}

fn id(user: &str) -> u32 {
    let said = process::run(Command::new("id").args(["-u", user])).stdout;
    String::from_utf8_lossy(&said).trim().parse().expect("a number")
}

/// Whose the folder is; `None`: this user's.
pub fn workers_user() -> Option<u32> {
    is_root().then(|| id("nobody"))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").expect("this process").uid() == 0
}

/// The workers' user may put anything there; the master reads it as root.
#[test]
fn what_is_in_a_file_s_place_is_neither_followed_nor_waited_for() {
    let pebble = Pebble::start(90 * DAY);
    let mut server = pebble.server(&pebble.issuer("")).start();
    let mut before = pebble.comes(&server, "");
    let path = file(&server);
    server.stop();
    let secret = server.path("secret");
    fs::rename(&path, &secret).expect("renamed");
    let put: [&dyn Fn(); 3] = [
        &|| symlink(&secret, &path).expect("a link"),
        &|| assert!(process::run(Command::new("mkfifo").arg(&path)).status.success()),
        &|| symlink("/dev/zero", &path).expect("a link"),
    ];
    for put in put {
        put();
        server.start_again().expect("it starts");
        before = pebble.comes(&server, &before);
        wait_for("a file", || fs::symlink_metadata(&path).is_ok_and(|known| known.is_file()));
        assert!(server.error_log().contains("cannot be read"));
        server.stop();
        fs::remove_file(&path).expect("removed");
    }
}

/// Another helper, after this one is killed.
fn next_helper(server: &Server) {
    let pid = running_helper(server);
    process::kill(&[pid]);
    wait_for("another", || helper(server).is_some_and(|now| now != pid));
}

/// An old file is not better than what is served, whatever kept a new one from being written.
#[test]
fn what_ends_later_is_served_and_kept() {
    let pebble = Pebble::start(90 * DAY);
    let server = pebble.server(&pebble.issuer("")).start();
    let shown = pebble.comes(&server, "");
    let path = file(&server);
    let served = fs::read(&path).expect("a file");
    let old = Authority::new("tests").leaf("old", &["a.example"], Key::Ecdsa, Validity::Over);
    fs::write(&path, old.chain + &old.key).expect("written");
    next_helper(&server);
    wait_for("the file", || fs::read(&path).is_ok_and(|now| now == served));
    assert_eq!(pebble.shown(), shown);
    assert_eq!(server.error_log().matches("is ordered").count(), 1);
}

/// A disk that is full, a folder without rights: another is not ordered for that.
#[test]
fn what_could_not_be_written_is_written_later() {
    let mut pebble = Pebble::prepared(90 * DAY);
    let server = pebble.server(&pebble.issuer("")).start();
    wait_for("a key", || server.path("state/account.key").exists());
    let rights = |mode| fs::set_permissions(server.path("state"), Permissions::from_mode(mode));
    rights(0o500).expect("chmod");
    pebble.go_on();
    let shown = pebble.comes(&server, "");
    let ordered = || server.error_log().matches("is ordered").count();
    let before = ordered();
    let complaints = || server.error_log().matches("cannot be written (13: ").count();
    wait_for("a complaint", || complaints() == 1);
    next_helper(&server);
    wait_for("another complaint", || complaints() == 2);
    rights(0o700).expect("chmod");
    next_helper(&server);
    file(&server);
    assert_eq!((pebble.shown(), ordered()), (shown, before));
}
