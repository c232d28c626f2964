//! What `ps` shows of a process: nginx's words, by which scripts find the master and see what drains.
//!
//! The kernel shows the memory in which the arguments were handed over. Behind it lies the
//! environment, so a title may be longer than the command line was:
//! ```text
//! arg_start            arg_end = env_start              env_end
//! | rserve\0-c\0x.conf\0 | PATH=/usr/bin\0HOME=/root\0 … |
//! ```

use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

/// Begin and length of that memory.
static ROOM: OnceLock<(usize, usize)> = OnceLock::new();

/// Moves the environment out of the way, so that titles have room. To be called once, before there
/// are threads, when the arguments have been read. Without `/proc` there are no titles.
pub fn prepare() {
    let Some((start, end)) = arguments() else { return };
    // SAFETY: there is one thread, and nothing else holds pointers into the environment.
    unsafe { move_environment() };
    let _ = ROOM.set((start, end - start));
}

/// Copies each entry of the environment, whatever is in it, to memory of its own.
///
/// # Safety
/// No other thread, and nobody with a pointer to an entry.
unsafe fn move_environment() {
    unsafe extern "C" {
        static mut environ: *mut *mut libc::c_char;
    }
    // SAFETY: `environ` is the C library's list of strings, ended by a null; the caller has the only
    // thread. The copies are given to the list for the life of the process.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            let copy = libc::strdup(*entry);
            if !copy.is_null() {
                *entry = copy;
            }
            entry = entry.add(1);
        }
    }
}

/// Shows `rserve: master process` for `master process`. What does not fit is cut.
pub fn set(title: &str) {
    let Some(&(start, len)) = ROOM.get() else { return };
    let mut text = Vec::with_capacity(len);
    text.extend_from_slice(b"rserve: ");
    text.extend_from_slice(title.as_bytes());
    text.truncate(len - 1);
    // NULs to the end: nothing of the old words may show behind the new ones.
    text.resize(len, 0);
    let room = std::ptr::with_exposed_provenance_mut::<u8>(start);
    // SAFETY: the kernel placed the arguments and the environment there at exec, writable and for the
    // life of the process; `prepare` moved away what the C library knew of it.
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), room, len) };
}

/// The words of the command line, as a title shows them.
pub fn words(argv: &[std::ffi::OsString]) -> String {
    let words: Vec<_> = argv.iter().map(|word| String::from_utf8_lossy(word.as_bytes())).collect();
    words.join(" ")
}

/// The memory from the first argument to the end of the environment: fields 48, 49, 50 and 51 of
/// `/proc/self/stat` (proc_pid_stat(5)).
fn arguments() -> Option<(usize, usize)> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in parentheses, may contain anything; behind it stand the fields from the third on.
    let mut fields = text.get(text.rfind(')')? + 1..)?.split_whitespace().skip(45);
    let mut next = || fields.next()?.parse::<usize>().ok();
    let (start, end, env_start, env_end) = (next()?, next()?, next()?, next()?);
    let end = if env_start == end { env_end } else { end };
    (start != 0 && end > start + 16).then_some((start, end))
}
