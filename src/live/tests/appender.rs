//! Files that grow: what is asked for is done, in order, and an error leaves them whole.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::appender::{Appender, Existing, open};

fn dir(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("appender-{name}-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a directory");
    dir
}

/// Runs a loop, in which `begin` starts something that stops it.
fn run(begin: impl FnOnce() + 'static) {
    rt::create(rt::Config { slots: 8, multi_accept: false }).expect("a loop");
    rt::after(0, begin);
    // A panic ends a call, and not the loop.
    rt::after(30_000, rt::stop);
    rt::run().expect("it runs");
}

fn appender(path: &Path, told: impl Fn() + 'static) -> Appender {
    let file = open(path, Existing::Replace, true).expect("a file");
    Appender::new(file, path.to_owned(), 0, told)
}

#[test]
fn everything_is_done_in_order() {
    let dir = dir("order");
    let (path, to) = (dir.join("one"), dir.join("two"));
    let from = path.clone();
    let (target, gone) = (to.clone(), dir.join("gone"));
    run(move || {
        let kept: Rc<RefCell<Option<Appender>>> = Rc::default();
        let own = kept.clone();
        let appender = appender(&from, move || {
            let Some(appender) = &*own.borrow() else { return };
            if let Some(failed) = appender.failed() {
                assert!(failed.starts_with("rename() failed"), "{failed}");
                assert!(appender.is_idle() && appender.written() == 9);
                rt::stop();
            } else if appender.is_idle() && appender.path() == target {
                assert_eq!((appender.pending(), appender.written()), (0, 9));
                assert!(!appender.is_replaced());
                appender.rename(gone.join("x"));
                appender.append(|out| out.push(b'!'));
                appender.flush();
            }
        });
        appender.append(|out| out.extend_from_slice(b"first, "));
        appender.flush();
        appender.append(|out| out.extend_from_slice(b"second"));
        appender.patch(0, b"F".to_vec());
        appender.sync();
        appender.truncate(8);
        appender.append(|out| out.push(b'.'));
        appender.rename(to.clone());
        assert_eq!(appender.len(), 9);
        *kept.borrow_mut() = Some(appender);
        kept.borrow().as_ref().expect("it is there").flush();
    });
    assert_eq!(fs::read_to_string(dir.join("two")).expect("the file"), "First, s.");
    assert!(!path.exists());
    fs::remove_dir_all(dir).expect("removed");
}

#[test]
fn after_an_error_a_file_is_cut_where_it_is_whole() {
    let dir = dir("full");
    let path = dir.join("file");
    let from = path.clone();
    run(move || {
        let kept: Rc<RefCell<Option<Appender>>> = Rc::default();
        let own = kept.clone();
        let appender = appender(&from, move || {
            let Some(appender) = &*own.borrow() else { return };
            match appender.failed() {
                // A negative offset: there is no such place.
                None if appender.written() == 4 && appender.len() == 4 && appender.is_idle() => {
                    appender.patch(u64::MAX, b"x".to_vec());
                    appender.append(|out| out.extend_from_slice(b"lost"));
                    appender.flush();
                }
                Some(failed) => {
                    assert!(failed.starts_with("write() failed"), "{failed}");
                    appender.recover();
                    appender.append(|out| out.extend_from_slice(b", again"));
                    appender.flush();
                }
                None if appender.written() == 11 => {
                    fs::remove_file(appender.path()).expect("removed");
                    appender.sync();
                    appender.flush();
                    fs::write(appender.path(), "another's").expect("written");
                    appender.append(|out| out.push(b'!'));
                    appender.flush();
                }
                None if appender.written() == 12 => {
                    assert!(appender.is_replaced());
                    rt::stop();
                }
                None => {}
            }
        });
        appender.append(|out| out.extend_from_slice(b"kept"));
        *kept.borrow_mut() = Some(appender);
        kept.borrow().as_ref().expect("it is there").flush();
    });
    assert_eq!(fs::read_to_string(&path).expect("the file"), "another's");
    fs::remove_dir_all(dir).expect("removed");
}

#[test]
fn nothing_but_a_free_file_is_opened() {
    let dir = dir("free");
    fs::write(dir.join("file"), "content").expect("a file");
    symlink("file", dir.join("link")).expect("a link");
    fs::create_dir(dir.join("dir")).expect("a directory");
    let fifo = std::process::Command::new("mkfifo").arg(dir.join("fifo")).status().expect("run");
    assert!(fifo.success());
    for name in ["link", "dir", "fifo", "none/file", "/dev/null"] {
        let failed = open(&dir.join(name), Existing::Replace, true).expect_err(name);
        assert!(failed.to_string().starts_with("open() failed"), "{name}: {failed}");
    }
    let first = open(&dir.join("file"), Existing::Keep, true).expect("the file");
    let failed = open(&dir.join("file"), Existing::Replace, true).expect_err("it is taken");
    assert!(failed.is_busy() && failed.to_string() == "another writes to it");
    assert_eq!(fs::read_to_string(dir.join("file")).expect("text"), "content");
    // Whoever knows better opens it all the same.
    open(&dir.join("file"), Existing::Keep, false).expect("the file");
    drop(first);
    open(&dir.join("file"), Existing::Replace, true).expect("it is free");
    assert_eq!(fs::read_to_string(dir.join("file")).expect("text"), "");
    assert!(
        open(&dir.join("none"), Existing::Require, true).is_err() && !dir.join("none").exists()
    );
    fs::remove_dir_all(dir).expect("removed");
}
