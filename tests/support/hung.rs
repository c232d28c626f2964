//! A disk that hangs.

use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A file system of some megabytes, which answers when it may. It goes with the value, or with the process, whatever ends that: what waits
/// for it cannot even be killed.
pub struct Hung {
    /// Where it is.
    pub path: PathBuf,
    guard: Child,
    said: BufReader<std::process::ChildStdout>,
}

const GUARD: &str = r#"
    PATH=$PATH:/usr/sbin:/sbin
    truncate -s 64M "$1.image" && mkfs.ext4 -q "$1.image" && mkdir -p "$1" &&
        mount -o loop "$1.image" "$1" && chmod 777 "$1" || exit
    echo
    while read -r what; do fsfreeze "$what" "$1"; echo; done
    fsfreeze -u "$1"
    umount -l "$1"
    rm -f "$1.image"
"#;

impl Hung {
    /// One that does not hang yet. `None`: this user may not mount, and is told that this is not tested.
    pub fn at(path: PathBuf) -> Option<Hung> {
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "sh"]).arg(&path);
        guard.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut guard = guard.spawn().expect("a shell");
        let said = BufReader::new(guard.stdout.take().expect("its output"));
        let mut hung = Hung { path, guard, said };
        if !hung.is_done() {
            // What is printed is shown for tests that fail alone.
            let _ = writeln!(io::stderr(), "\n*** NOT TESTED: this user may not mount\n");
            return None;
        }
        Some(hung)
    }

    fn is_done(&mut self) -> bool {
        self.said.read_line(&mut String::new()).is_ok_and(|count| count > 0)
    }

    #[track_caller]
    fn order(&mut self, what: &str) {
        let input = self.guard.stdin.as_mut().expect("its input");
        input.write_all(what.as_bytes()).expect("the guard");
        assert!(self.is_done(), "{what}");
    }

    /// Who writes waits from now on.
    #[track_caller]
    pub fn hang(&mut self) {
        self.order("-f\n");
    }

    /// It answers again.
    #[track_caller]
    pub fn go_on(&mut self) {
        self.order("-u\n");
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}
