//! A journal is what it was, or what it became, wherever somebody is killed.

use super::*;

#[test]
fn the_newest_line_of_each_file_counts() {
    let dir = std::env::temp_dir().join(format!("journal-{}", sys::process::pid()));
    fs::create_dir_all(&dir).expect("a directory");
    let journal = Journal::new(&dir, "live\u{1f}", "a/b");
    assert_eq!(journal.path(), dir.join(".rserve-live-a%2Fb.journal"));
    journal.revise(|_| panic!("there is none")).expect("nothing");
    assert!(!journal.path().exists());
    let one = File::create(dir.join("one")).expect("a file");
    let two = File::create(dir.join("two")).expect("a file");
    let entry =
        |name: &str, open, since| Entry { path: dir.join(name), open, since, ..Entry::default() };
    let begun = |name, place, wall| Entry {
        stream: "s".into(),
        began: vec![(place, wall)],
        ..entry(name, true, wall / 1000)
    };
    journal.note(&one, begun("one", 0, 1000), false).expect("noted");
    journal.note(&two, begun("two", 0, 2000), false).expect("noted");
    journal.note(&one, begun("one", 0, 1000), false).expect("noted");
    let duration = Some(500);
    journal.note(&one, Entry { duration, ..entry("one", false, 3) }, false).expect("noted");
    // It goes on; another has the place of a file.
    journal.note(&two, begun("two", 700, 9000), false).expect("noted");
    journal.note(&one, begun("two", 0, 9500), false).expect("noted");
    assert_eq!(journal.read().expect("read")[1].began, [(0, 9500)]);
    let torn = fs::read_to_string(journal.path()).expect("text") + "{\"path\":\"thr";
    fs::write(journal.path(), torn).expect("written");
    let read = journal.read().expect("read");
    assert_eq!(
        read[0],
        Entry {
            stream: "s".into(),
            began: vec![(0, 1000)],
            duration,
            inode: one.metadata().expect("it").ino(),
            born: born(&one.metadata().expect("it")),
            ..entry("one", false, 3)
        }
    );
    assert_eq!((read.len(), &read[1].began[..]), (2, &[(0, 9500)][..]));
    let held = journal.lock().expect("a lock");
    assert_eq!(journal.read().expect("read").len(), 2, "who holds the lock is not waited for");
    drop(held);
    let mut seen = Vec::new();
    let keep = |entry: &mut Entry| {
        seen.push((entry.open, entry.since));
        entry.open
    };
    journal.revise(keep).expect("revised");
    assert_eq!(seen, [(false, 3), (true, 9)]);
    let text = fs::read_to_string(journal.path()).expect("text");
    assert_eq!(text.lines().count(), 1, "{text}");
    fs::remove_dir_all(dir).expect("removed");
}

/// A directory for a test, with files in it.
fn dir(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("journal-{name}-{}", sys::process::pid()));
    fs::create_dir_all(&dir).expect("a directory");
    dir
}

fn some(path: PathBuf, open: bool) -> Entry {
    Entry { path, open, since: 1, ..Entry::default() }
}

/// A recording was moved away while it was recorded, and the next one has its name before its end is told.
#[test]
fn what_ends_late_does_not_end_the_next_one() {
    let dir = dir("late");
    let (path, journal) = (dir.join("s.flv"), Journal::new(&dir, "live", ""));
    let first = File::create(&path).expect("a file");
    journal.note(&first, some(path.clone(), true), false).expect("noted");
    fs::rename(&path, dir.join("moved.flv")).expect("moved");
    let next = File::create(&path).expect("a file");
    journal.note(&next, some(path.clone(), true), false).expect("noted");
    journal.note(&first, some(path.clone(), false), false).expect("noted");
    let read = journal.read().expect("read");
    let inode = next.metadata().expect("it").ino();
    assert_eq!((read.len(), read[0].open, read[0].inode), (1, true, inode));
    journal.note(&next, some(path.clone(), false), false).expect("noted");
    assert!(!journal.read().expect("read")[0].open);
    fs::remove_dir_all(dir).expect("removed");
}

/// What a disk that is full, or who was killed, has left of a line takes nothing of the next one with it.
#[test]
fn a_torn_line_is_alone() {
    let dir = dir("torn");
    let journal = Journal::new(&dir, "live", "");
    let one = File::create(dir.join("one")).expect("a file");
    journal.note(&one, some(dir.join("one"), true), false).expect("noted");
    let whole = fs::read(journal.path()).expect("text");
    for len in [1, whole.len() / 2, whole.len() - 1] {
        fs::write(journal.path(), [&whole[..], &whole[..len]].concat()).expect("written");
        journal.note(&one, some(dir.join("two"), true), true).expect("noted");
        assert_eq!(journal.read().expect("read").len(), 2, "{len}");
    }
    fs::remove_dir_all(dir).expect("removed");
}

/// Each step of a revision fails: the journal is what it was.
#[test]
fn a_revision_that_fails_changes_nothing() {
    let dir = dir("fails");
    let journal = Journal::new(&dir, "live", "");
    let one = File::create(dir.join("one")).expect("a file");
    journal.note(&one, some(dir.join("one"), true), false).expect("noted");
    let before = fs::read(journal.path()).expect("text");
    let forget = || journal.revise(|_| false);
    let same = || fs::read(journal.path()).expect("text") == before;
    for end in ["new", "lock"] {
        // It can neither be replaced nor opened.
        let _ = fs::remove_file(journal.beside(end));
        fs::create_dir(journal.beside(end)).expect("a directory");
        fs::write(journal.beside(end).join("x"), "").expect("a file");
        assert!(forget().is_err() && same(), "{end}");
        fs::remove_dir_all(journal.beside(end)).expect("removed");
    }
    // Killed before the new one has the name: half of it is there.
    fs::write(journal.beside("new"), &before[..before.len() / 2]).expect("written");
    assert_eq!(journal.read().expect("read").len(), 1);
    // What changes while it is revised stays.
    let late = |entry: &mut Entry| {
        journal.note(&one, some(dir.join("late"), true), false).expect("noted");
        let duration = Some(1);
        journal.note(&one, Entry { duration, ..entry.clone() }, false).expect("noted");
        false
    };
    journal.revise(late).expect("revised");
    assert_eq!(journal.read().expect("read").len(), 2);
    forget().expect("revised");
    assert!(journal.read().expect("read").is_empty() && !journal.beside("new").exists());
    fs::remove_dir_all(dir).expect("removed");
}

const KILLED: &str = "JOURNAL_KILLED";

/// What the process below does until it is killed: it notes and revises.
#[test]
fn notes_and_revises_until_it_is_killed() {
    let Some(dir) = std::env::var_os(KILLED).map(PathBuf::from) else { return };
    let journal = Journal::new(&dir, "live", "");
    let file = File::open(dir.join("file")).expect("a file");
    for since in 0.. {
        let entry = Entry { since, ..some(dir.join("other"), true) };
        journal.note(&file, entry, false).expect("noted");
        journal
            .revise(|entry| {
                entry.since += 1;
                true
            })
            .expect("revised");
    }
}

#[test]
fn who_is_killed_in_the_middle_loses_nothing() {
    let _alone = crate::file::ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let dir = dir("killed");
    let journal = Journal::new(&dir, "live", "");
    let file = File::create(dir.join("file")).expect("a file");
    let count = 300;
    for number in 0..count {
        let entry = some(dir.join(format!("file-{number}")), true);
        journal.note(&file, entry, false).expect("noted");
    }
    for round in 0..20 {
        let test = std::env::current_exe().expect("this program");
        let mut child = std::process::Command::new(test);
        child.args(["--exact", "file::journal::tests::notes_and_revises_until_it_is_killed"]);
        child.env(KILLED, &dir).stdout(std::process::Stdio::null());
        let mut child = child.spawn().expect("a process");
        let before = journal.text().expect("text");
        // It has begun; then it is killed wherever it is.
        while journal.text().expect("text") == before {
            std::thread::yield_now();
        }
        (0..round * 1000).for_each(|_| std::thread::yield_now());
        child.kill().expect("killed");
        child.wait().expect("its end");
        let known = journal.read().expect("read");
        assert!(known.len() > count, "{} of {count} in round {round}", known.len());
        assert!(known.iter().all(|entry| entry.inode > 0));
        assert!(journal.lock().is_ok());
    }
    fs::remove_dir_all(dir).expect("removed");
}
