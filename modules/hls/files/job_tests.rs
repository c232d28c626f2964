//! Jobs, and who else may be at work on their files.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("rserve-job-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a directory");
    path
}

fn run(steps: Vec<Step>) -> Done {
    super::run(steps, &|| true)
}

/// A worker that goes is in the middle of a file: its successor waits, and what a killed one has left goes.
#[test]
fn two_that_write_the_same_file_write_it_one_after_the_other() {
    let root = directory("two");
    let (path, other) = (root.join("s.m3u8"), root.join(".s.m3u8.rserve"));
    let write = |bytes: &[u8]| {
        let (path, bytes) = (path.clone(), bytes.to_vec());
        run(vec![Step::Write { path, bytes, keep: false, mode: 0o644 }]).0.expect("written")
    };
    for is_alive in [true, false] {
        let mut before = fs::File::create_new(&other).expect("a file");
        sys::lock::exclusive(&before, true).expect("a lock");
        before.write_all(b"of the one before").expect("its bytes");
        std::thread::scope(|scope| {
            let next = scope.spawn(|| write(b"of the next"));
            if is_alive {
                assert!(!path.exists());
                fs::rename(&other, &path).expect("its name");
            }
            drop(before);
            next.join().expect("it goes on");
        });
        assert_eq!(fs::read(&path).expect("a file"), b"of the next");
        assert!(!other.exists());
        fs::remove_file(&path).expect("it goes");
    }
}

/// What a worker has begun to write that has a successor comes to nothing, also where it has waited meanwhile.
#[test]
fn who_was_replaced_puts_nothing_back() {
    let root = directory("replaced");
    let (path, other) = (root.join("s.m3u8"), root.join(".s.m3u8.rserve"));
    let (journal, file) = (root.join(".s-m3u8"), root.join("s-17.ts"));
    run(vec![Step::Note(journal.clone(), vec![file.clone()])]).0.expect("a journal");
    for known in [&path, &file] {
        fs::write(known, "of the next").expect("a file");
    }
    let write = |path: &Path| Step::Write {
        path: path.to_owned(),
        bytes: b"of the one before".to_vec(),
        keep: false,
        mode: 0o644,
    };
    // Replaced before the first step, or between a step's beginning and its lock.
    for asked in [0, 1] {
        let (directories, kept) = (vec![root.clone()], BTreeSet::new());
        let journal = journal.clone();
        let keep = Step::Keep { journal, directories, kept, unless_since: None };
        for step in [write(&path), keep] {
            let times = Cell::new(0);
            let is_ours = || times.replace(times.get() + 1) < asked;
            super::run(vec![step], &is_ours).0.expect("nothing fails");
        }
    }
    super::run(vec![Step::Remove(file.clone())], &|| false).0.expect("nothing fails");
    assert_eq!(fs::read(&path).expect("a list"), b"of the next");
    assert!(!other.exists() && file.exists() && journal.exists());
    // It waits for who writes, and is replaced meanwhile.
    let before = fs::File::create_new(&other).expect("a file");
    sys::lock::exclusive(&before, true).expect("a lock");
    let (replaced, asked) = (AtomicBool::new(false), AtomicBool::new(false));
    let is_ours = || {
        asked.store(true, Ordering::SeqCst);
        !replaced.load(Ordering::SeqCst)
    };
    std::thread::scope(|scope| {
        let late = scope.spawn(|| super::run(vec![write(&path)], &is_ours).0);
        while !asked.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        replaced.store(true, Ordering::SeqCst);
        fs::rename(&other, &path).expect("its name");
        fs::write(&path, "of the next").expect("a file");
        drop(before);
        late.join().expect("it ends").expect("nothing fails");
    });
    assert_eq!(fs::read(&path).expect("a list"), b"of the next");
    assert!(!other.exists());
    fs::remove_dir_all(&root).expect("removed");
}

/// Whoever begins while it is swept has its files; then they are somebody's.
#[test]
fn a_sweep_takes_nothing_from_who_has_just_begun() {
    let root = directory("sweep");
    let (journal, file) = (root.join(".s-m3u8"), root.join("s-17.ts"));
    let sweep = |unless_since| {
        let (directories, kept) = (vec![root.clone()], BTreeSet::new());
        run(vec![Step::Keep { journal: journal.clone(), directories, kept, unless_since }]).0
    };
    let now = SystemTime::now();
    run(vec![Step::Note(journal.clone(), vec![file.clone()])]).0.expect("a journal");
    fs::write(&file, "x").expect("a file");
    sweep(Some(now - Duration::from_secs(1))).expect("a sweep");
    assert!(file.exists() && journal.exists());
    sweep(Some(now + Duration::from_secs(60))).expect("a sweep");
    assert!(!file.exists() && !journal.exists());
    // There is nothing, and nothing comes of it.
    sweep(Some(now)).expect("a sweep");
    assert!(!journal.exists());
    fs::remove_dir_all(&root).expect("removed");
}

/// A journal that is replaced again and again loses no line of those who write to it.
#[test]
fn no_line_is_lost() {
    let root = directory("lines");
    let journal = root.join(".s-m3u8");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let journal = &journal;
            let root = &root;
            scope.spawn(move || {
                for number in 0..100 {
                    let path = root.join(format!("s-{writer}-{number}.ts"));
                    run(vec![Step::Note(journal.clone(), vec![path])]).0.expect("a line");
                }
            });
        }
        // What is kept is what stands there, whatever that is by then.
        scope.spawn(|| {
            for _ in 0..50 {
                let lock = locked(&journal, true).expect("a lock");
                let all: BTreeSet<PathBuf> =
                    noted(&lock, &journal).expect("lines").into_iter().collect();
                write(&journal, &lines(&journal, &all), 0o600, &|| true).expect("a journal");
                drop(lock);
            }
        });
    });
    let file = fs::File::open(&journal).expect("a journal");
    assert_eq!(noted(&file, &journal).expect("lines").iter().collect::<BTreeSet<_>>().len(), 400);
    fs::remove_dir_all(&root).expect("removed");
}

/// Others may have put something there: it is left, and nobody waits for it.
#[test]
fn what_is_no_journal_is_none() {
    let root = directory("none");
    let (journal, other) = (root.join(".s-m3u8"), root.join("other"));
    let note = || run(vec![Step::Note(journal.clone(), vec![root.join("s-1.ts")])]).0;
    fs::write(&other, "theirs").expect("a file");
    std::os::unix::fs::symlink(&other, &journal).expect("a link");
    note().expect_err("a link");
    assert_eq!(fs::read(&other).expect("a file"), b"theirs");
    fs::remove_file(&journal).expect("it goes");
    fs::create_dir(&journal).expect("a directory");
    note().expect_err("a directory");
    fs::remove_dir(&journal).expect("it goes");
    let made = std::process::Command::new("mkfifo").arg(&journal).status();
    assert!(made.expect("mkfifo").success());
    note().expect_err("a pipe");
    fs::remove_dir_all(&root).expect("removed");
}
