//! Small files, read whole. What is in a file's place and is none is refused in words: a pipe would keep its reader waiting, a
//! device may have no end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::file;

/// Reads a file that has at most so many bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    whole(&file::open(file::bytes(path), file::Symlinks::Follow)?, most)
}

/// Reads an open file from its beginning, under the same rule.
pub(crate) fn whole(file: &File, most: u64) -> io::Result<Vec<u8>> {
    if !file::stat(file)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    // One byte more tells what is longer, whatever its size was a moment ago.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::other(format!("it has more than {}", size(most)))),
        false => Ok(bytes),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0 => "no bytes".to_owned(),
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{} KB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_no_small_file_is_refused_in_words() {
        let dir = std::env::temp_dir().join(format!("small-{}", crate::process::pid()));
        fs::create_dir_all(&dir).expect("a directory");
        let at = |name: &str| dir.join(name);
        fs::write(at("file"), [7; 1024]).expect("a file");
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRUSR).expect("a pipe");
        std::os::unix::fs::symlink("file", at("link")).expect("a link");
        assert_eq!(read(&at("file"), 1024).expect("it fits"), [7; 1024]);
        assert_eq!(read(&at("link"), 2048).expect("links are followed"), [7; 1024]);
        let refusal = |path: &Path, most| read(path, most).expect_err("refused").to_string();
        assert_eq!(refusal(&at("file"), 1023), "it has more than 1023 bytes");
        fs::write(at("file"), [7; 1025]).expect("a file");
        assert_eq!(refusal(&at("file"), 1024), "it has more than 1 KB");
        assert_eq!(refusal(&at("pipe"), 10), "it is not a file");
        assert_eq!(refusal(&dir, 10), "it is not a file");
        assert_eq!(refusal(Path::new("/dev/zero"), 10), "it is not a file");
        let missing = read(&at("none"), 10).expect_err("it is not there");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        fs::remove_dir_all(dir).expect("removed");
    }
}
