//! Disks that are full or may not be written, files that are damaged, and those of others.

use std::os::unix::fs::symlink;
use std::process::Command;

use support::Small;

use crate::origin::Origin;
use crate::{numbered, stage, stage_with};

fn large() -> Origin {
    Origin::start(|exchange| {
        exchange.answer("200 OK", "Cache-Control: max-age=60\r\n", "0123456789".repeat(100_000))
    })
}

/// The client has its answer, and nothing half is left.
#[test]
fn a_full_disk_costs_no_answer() {
    let stage = stage("", large());
    let Some(_small) = Small::at(stage.server.path("cache")) else { return };
    for _ in 0..3 {
        let (outcome, body) = stage.get("/");
        assert_eq!((&outcome[..], body.len()), ("MISS", 1_000_000));
        assert_eq!(body, "0123456789".repeat(100_000));
    }
    assert!(stage.files().is_empty());
    assert!(stage.server.error_log().contains("an answer is not stored"));
}

#[test]
fn nor_does_one_that_may_not_be_written() {
    let stage = stage("", numbered());
    let Some(small) = Small::at(stage.server.path("cache")) else { return };
    let mut mount = Command::new("mount");
    assert!(mount.args(["-o", "remount,ro"]).arg(&small.0).status().expect("mount").success());
    for number in 0..3 {
        assert_eq!(stage.get("/60"), ("MISS".into(), format!("answer {number}")));
    }
}

/// Whatever becomes of a file, nobody is given it.
#[test]
fn damaged_files_are_fetched_again() {
    type Damage = fn(&std::path::Path);
    let damages: [Damage; 6] = [
        |path| std::fs::write(path, "").expect("written"),
        |path| {
            let bytes = std::fs::read(path).expect("a file");
            std::fs::write(path, &bytes[..bytes.len() - 1]).expect("written");
        },
        |path| {
            let mut bytes = std::fs::read(path).expect("a file");
            bytes[100] ^= 1;
            std::fs::write(path, bytes).expect("written");
        },
        |path| {
            let bytes = std::fs::read(path).expect("a file");
            std::fs::write(path, [&bytes[..], b"more"].concat()).expect("written");
        },
        |path| std::fs::remove_file(path).expect("removed"),
        |path| std::fs::write(path, "\x05\0\0\0\0\0\0\0nginx's").expect("written"),
    ];
    for (number, damage) in damages.iter().enumerate() {
        // No worker has it at hand.
        let stage = stage_with("", "memory=0", "", numbered());
        stage.get("/60");
        damage(&stage.files()[0]);
        assert_eq!(stage.get("/60"), ("MISS".into(), "answer 1".into()), "{number}");
        let (outcome, _) = stage.get("/60");
        // What is not ours is not replaced, and so nothing is kept.
        let is_foreign = number == 0 || number == 5;
        assert_eq!(outcome, if is_foreign { "MISS" } else { "HIT" }, "{number}");
    }
}

/// What others have put there stays, whatever its name, and is not followed.
#[test]
fn what_is_not_ours_stays() {
    let stage = stage_with("", "inactive=3s memory=0", "", numbered());
    stage.get("/60");
    let ours = stage.files()[0].clone();
    let cache = stage.server.path("cache");
    let deep = ours.parent().expect("a directory");
    let secret = stage.server.file("html/secret", "secret");
    let theirs = [
        cache.join("notes.txt"),
        deep.join("notes.txt"),
        deep.join("00000000000000000000000000000000"),
    ];
    for path in &theirs {
        std::fs::write(path, "mine").expect("written");
    }
    symlink(&secret, deep.join("link")).expect("a link");
    stage.server.wait_for("the manager", || !ours.exists());
    // In the place of an answer's file.
    symlink(&secret, &ours).expect("a link");
    assert_eq!(stage.get("/60"), ("MISS".into(), "answer 1".into()));
    assert_eq!(stage.get("/60").0, "MISS");
    assert_eq!(std::fs::read_to_string(&secret).expect("it"), "secret");
    assert!(theirs.iter().all(|path| path.exists()) && ours.is_symlink());
}
