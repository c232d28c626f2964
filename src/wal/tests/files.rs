//! Real files: what is made, what is left alone, who has it, and what becomes of copies.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::{
    Doubt, Durability, Error, File, FileError, Found, Identity, Keeper, Log, LogState, Record,
    SMALLEST, create, open_file,
};

struct All;

impl Keeper for All {
    fn is_kept(&self, _: &[u8], _: u64) -> bool {
        true
    }

    fn drop_upto(&self, _: &[u8], _: u64) {}
}

/// A folder of its own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("rserve-wal-{}-{n}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn path(&self) -> PathBuf {
        self.0.join("zone")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const IDENTITY: Identity = Identity { epoch: 5, secret: [1, 2], newest: 0, past: Vec::new() };

fn make(path: &Path) -> (Log<File>, LogState) {
    let state = LogState::default();
    let (file, new) = create(path, SMALLEST).expect("made");
    let log = Log::create(file, IDENTITY, Durability::Ack, &state).expect("formatted");
    new.install().expect("installed");
    (log, state)
}

fn append(log: &Log<File>, state: &LogState, seq: u64) {
    let wall = sys::clock::wall().as_millis() as u64;
    let body = seq.to_le_bytes().repeat(20);
    let record = Record { seq, wall, channel: b"news", parts: &[&body], ..Record::default() };
    log.append(state, &record, &All).expect("appended");
}

/// A log with the records 1 to 100, which nobody has closed.
fn filled(path: &Path) {
    let (log, state) = make(path);
    (1..=100).for_each(|seq| append(&log, &state, seq));
}

fn found(path: &Path) -> Found<File> {
    let file = open_file(path).expect("opened").expect("a file");
    Log::open(file, Durability::Ack).expect("a log")
}

fn seqs(found: &Found<File>) -> Vec<u64> {
    let mut seqs = Vec::new();
    found.replay(|record| seqs.push(record.seq)).expect("replayed");
    seqs
}

#[test]
fn a_log_outlives_its_processes() {
    let folder = Folder::new();
    let path = folder.path();
    assert!(open_file(&path).expect("nothing").is_none());
    filled(&path);
    let mode = fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!folder.0.join("zone.new").exists());
    // On a very slow machine the date may be a moment too late; then it is a doubt about that alone.
    let found = found(&path);
    assert!(matches!(found.doubt, None | Some(Doubt::Changed)), "{:?}", found.doubt);
    assert_eq!(seqs(&found), (1..=100).collect::<Vec<_>>());
    let state = LogState::default();
    let log = found.go_on(&state, 5);
    append(&log, &state, 101);
    assert_eq!(log.sync(&state, 101).expect("synced"), 101);
    log.close(&state, 101).expect("closed");
}

#[test]
fn copies_of_a_file_are_doubted() {
    let folder = Folder::new();
    let path = folder.path();
    filled(&path);
    let copy = folder.0.join("copy");
    fs::copy(&path, &copy).expect("copied");
    // A date can only be another one when the clock is.
    let then = fs::metadata(&path).and_then(|found| found.modified()).expect("there");
    let passed = || then.elapsed().unwrap_or_default();
    while passed() < std::time::Duration::from_millis(150) {
        std::thread::yield_now();
    }
    // `cp` over the same inode.
    fs::write(&path, fs::read(&copy).expect("read")).expect("written");
    let over = found(&path);
    assert_eq!(over.doubt, Some(Doubt::Changed));
    assert_eq!(over.past.last().map(|past| (past.epoch, past.upto)), Some((5, 100)));
    assert_eq!(seqs(&over).len(), 100);
    drop(over);
    // `mv` of a copy.
    fs::rename(&copy, &path).expect("moved");
    assert_eq!(found(&path).doubt, Some(Doubt::Copied));
    // Cut short.
    let file = fs::File::options().write(true).open(&path).expect("opened");
    file.set_len(120 << 10).expect("cut");
    let short = found(&path);
    assert!(!short.certain);
    assert_eq!(seqs(&short).len(), 100);
}

#[test]
fn a_file_that_is_not_a_log_is_left_alone() {
    let folder = Folder::new();
    let path = folder.path();
    for blank in [vec![], vec![0; 300_000]] {
        fs::write(&path, blank).expect("written");
        assert!(open_file(&path).expect("fresh").is_none());
    }
    let mut late = vec![0; 300_000];
    late[299_999] = 1;
    for foreign in [b"SQLite format 3".to_vec(), vec![7; 10_000], late] {
        fs::write(&path, &foreign).expect("written");
        let error = open_file(&path).expect_err("foreign").to_string();
        assert!(error.contains("zone is the file of another program"), "{error}");
        assert_eq!(fs::read(&path).expect("read"), foreign);
    }
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("a folder");
    assert!(matches!(open_file(&path), Err(FileError::FragmentKind(_))));
    fs::remove_dir(&path).expect("removed");
    symlink("/etc/passwd", &path).expect("a link");
    assert!(matches!(open_file(&path), Err(FileError::FragmentKind(_))));
    fs::remove_file(&path).expect("removed");
    // Nobody is at a FIFO's other end, and nobody is waited for.
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    assert!(matches!(open_file(&path), Err(FileError::FragmentKind(_))));
    assert!(matches!(open_file(Path::new("/dev/zero")), Err(FileError::FragmentKind(_))));
}

#[test]
fn a_start_that_was_given_up_leaves_the_file_as_it_was() {
    let folder = Folder::new();
    let path = folder.path();
    filled(&path);
    let before = fs::read(&path).expect("read");
    let beside = folder.0.join("zone.new");
    let (_file, new) = create(&path, SMALLEST).expect("made");
    assert!(beside.exists());
    // A second one at the same time is told of the first.
    assert!(matches!(create(&path, SMALLEST), Err(FileError::InUse(..))));
    drop(new);
    assert!(!beside.exists());
    assert_eq!(fs::read(&path).expect("read"), before);
}

#[test]
fn what_an_interrupted_start_left_is_replaced_if_it_is_ours() {
    let folder = Folder::new();
    let path = folder.path();
    let beside = folder.0.join("zone.new");
    filled(&path);
    for ours in [fs::read(&path).expect("read"), vec![], vec![0; 5000]] {
        fs::write(&beside, ours).expect("written");
        let (file, new) = create(&path, SMALLEST).expect("made");
        let state = LogState::default();
        Log::create(file, IDENTITY, Durability::Ack, &state).expect("formatted");
        new.install().expect("installed");
        assert_eq!(seqs(&found(&path)), [0; 0]);
    }
    fs::write(&beside, "my notes").expect("written");
    let error = create(&path, SMALLEST).expect_err("foreign").to_string();
    assert!(error.contains("zone.new is the file of another program"), "{error}");
    assert_eq!(fs::read(&beside).expect("read"), b"my notes");
}

#[test]
fn the_error_names_who_has_the_file() {
    let folder = Folder::new();
    let path = folder.path();
    filled(&path);
    let holder = Command::new("flock")
        .args(["-x".as_ref(), path.as_os_str()])
        .args(["-c", "echo; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut holder = holder.expect("flock");
    let mut line = [0];
    std::io::Read::read_exact(holder.stdout.as_mut().expect("piped"), &mut line).expect("locked");
    let error = open_file(&path).expect_err("in use");
    let FileError::InUse(_, holders) = &error else { panic!("{error}") };
    assert!(holders.iter().any(|(pid, name)| *pid == holder.id() && name == "flock"), "{error}");
    assert!(error.to_string().contains(&format!("process {} (flock)", holder.id())), "{error}");
    drop(holder.stdin.take());
    holder.wait().expect("ended");
    assert!(open_file(&path).expect("free").is_some());
}

#[test]
fn who_is_about_to_end_is_waited_for() {
    let folder = Folder::new();
    let path = folder.path();
    filled(&path);
    let held = open_file(&path).expect("opened").expect("a file");
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| open_file(&path).map(|file| file.is_some()));
        drop(held);
        waiting.join().expect("joined")
    });
    assert!(waiting.expect("opened"));
}

#[test]
fn a_full_disk_is_told_at_creation() {
    const FOLDER: &str = "RSERVE_WAL_FOLDER";
    if let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) {
        let error = create(&folder.join("zone"), SMALLEST).expect_err("no room");
        fs::write(folder.join("told"), error.to_string()).expect("told");
        return;
    }
    let folder = Folder::new();
    // A limit of size stands for it: the shell sets it for this test alone, in a process of its own.
    let name = "tests::files::a_full_disk_is_told_at_creation";
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" --exact \"$1\""])
        .arg(std::env::current_exe().expect("a path"))
        .arg(name)
        .env(FOLDER, &folder.0)
        .output()
        .expect("run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let told = fs::read_to_string(folder.0.join("told")).expect("it was tried");
    assert!(told.contains("zone.new (") && told.contains("File too large"), "{told}");
    assert!(!folder.path().exists() && !folder.0.join("zone.new").exists());
}

#[test]
fn many_small_parts_are_written_whole() {
    // More than one system call takes (IOV_MAX).
    let folder = Folder::new();
    let (log, state) = make(&folder.path());
    let bytes: Vec<u8> = (0..9000u32).map(|n| n as u8).collect();
    let parts: Vec<&[u8]> = bytes.chunks(2).collect();
    let record = Record { seq: 1, channel: b"c", parts: &parts, ..Record::default() };
    log.append(&state, &record, &All).expect("appended");
    drop(log);
    let mut all = Vec::new();
    found(&folder.path()).replay(|record| all = record.parts.concat()).expect("replayed");
    assert_eq!(all, bytes);
}

#[test]
fn syncs_and_appends_of_several_threads_go_together() {
    let folder = Folder::new();
    let (log, state) = make(&folder.path());
    let newest = AtomicU64::new(0);
    let most = 4000;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut before = 0;
                while before < most {
                    let committed = newest.load(Ordering::Acquire);
                    let synced = log.sync(&state, committed).expect("synced");
                    assert!(synced >= committed && synced >= before);
                    before = synced;
                }
            });
        }
        for seq in 1..=most {
            let body = [7; 300];
            let record = Record { seq, channel: b"c", parts: &[&body], ..Record::default() };
            // Somebody syncs; the lock, which is this thread's own here, is free meanwhile.
            while let Err(error) = log.append(&state, &record, &All) {
                assert!(matches!(error, Error::Unsynced), "{error}");
                std::thread::yield_now();
            }
            newest.store(seq, Ordering::Release);
        }
    });
    drop(log);
    let there = seqs(&found(&folder.path()));
    assert_eq!(there.last(), Some(&most));
    assert!(there.is_sorted());
}
