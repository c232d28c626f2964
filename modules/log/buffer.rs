//! Lines are collected and written together: one system call for hundreds of requests.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use flate2::Compression;
use flate2::write::GzEncoder;
use module::LogFile;
use sys::log::Level;

/// The lines of one file that are not written yet.
struct Buffer {
    file: Rc<LogFile>,
    lines: Vec<u8>,
    /// They are compressed, so hard: each time a member of its own (RFC 1952, 2.2).
    gzip: Option<u32>,
    /// A flush is on its way.
    waits: bool,
}

thread_local! {
    static BUFFERS: RefCell<Vec<Buffer>> = const { RefCell::new(Vec::new()) };
}

/// Appends a line to the file's buffer; what was collected is written when it exceeds `size`, and
/// after `flush_ms`.
pub fn append(
    file: &Rc<LogFile>,
    size: usize,
    flush_ms: u64,
    gzip: Option<u32>,
    line: impl FnOnce(&mut Vec<u8>),
) {
    BUFFERS.with_borrow_mut(|buffers| {
        let known =
            buffers.iter().position(|buffer| buffer.gzip == gzip && Rc::ptr_eq(&buffer.file, file));
        let at = known.unwrap_or_else(|| {
            buffers.push(Buffer { file: file.clone(), lines: Vec::new(), gzip, waits: false });
            buffers.len() - 1
        });
        let buffer = &mut buffers[at];
        line(&mut buffer.lines);
        if buffer.lines.len() >= size {
            buffer.flush();
        } else if !std::mem::replace(&mut buffer.waits, true) {
            let file = file.clone();
            rt::after(flush_ms, move || flush(&file));
        }
    });
}

fn flush(file: &Rc<LogFile>) {
    BUFFERS.with_borrow_mut(|buffers| {
        for buffer in buffers.iter_mut().filter(|buffer| Rc::ptr_eq(&buffer.file, file)) {
            buffer.waits = false;
            buffer.flush();
        }
    });
}

/// Writes everything that is collected.
pub fn flush_all() {
    BUFFERS.with_borrow_mut(|buffers| buffers.iter_mut().for_each(Buffer::flush));
}

impl Buffer {
    fn flush(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let written = match self.gzip {
            Some(level) => compress(&self.lines, level).and_then(|bytes| self.file.write(&bytes)),
            None => self.file.write(&self.lines),
        };
        if let Err(error) = written {
            let path = self.file.path().display();
            let errno = sys::log::errno(&error);
            sys::log::write(Level::Alert, format_args!("write() to \"{path}\" failed {errno}"));
        }
        self.lines.clear();
    }
}

fn compress(lines: &[u8], level: u32) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(lines)?;
    encoder.finish()
}
