//! How a file is called: the stream's name, escaped as nginx-rtmp has it, the time, the suffix.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use proto::escape;

/// The longest name of a file that file systems have.
const LONGEST: usize = 255;

const ELSEWHERE: &str = "the record_suffix leads to another directory";

/// A stream's name as it stands in that of a file.
pub fn escaped(stream: &[u8]) -> String {
    let mut name = Vec::new();
    escape::component(stream, &mut name);
    String::from_utf8_lossy(&name).into_owned()
}

/// A path with a number before its ending.
pub fn numbered(path: &Path, number: u32) -> PathBuf {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let end = path.extension().map_or(String::new(), |end| format!(".{}", end.to_string_lossy()));
    path.with_file_name(format!("{name}-{number}{end}"))
}

/// The path for a file that follows `last`, which was to have the same path, and may have got a number.
pub fn behind(path: PathBuf, last: &Path) -> PathBuf {
    if path == last {
        return numbered(&path, 1);
    }
    let of = |number: u32| (numbered(&path, number) == last).then(|| numbered(&path, number + 1));
    let stem = last.file_stem().unwrap_or_default().to_string_lossy();
    let number = stem.rsplit_once('-').and_then(|(_, number)| number.parse().ok());
    number.and_then(of).unwrap_or(path)
}

/// `record_path`, `record_suffix` and `record_unique`.
#[derive(Clone, PartialEq, Eq)]
pub struct Naming {
    dir: PathBuf,
    suffix: Suffix,
    unique: bool,
}

#[derive(Clone, PartialEq, Eq)]
enum Suffix {
    Text(String),
    /// For `strftime(3)`.
    Time(CString),
}

impl Naming {
    /// From these settings.
    pub fn new(dir: PathBuf, suffix: &str, unique: bool) -> Result<Naming, String> {
        let suffix = match suffix.contains('%') {
            true => Suffix::Time(CString::new(suffix).map_err(|error| error.to_string())?),
            false => Suffix::Text(suffix.to_owned()),
        };
        let naming = Naming { dir, suffix, unique };
        match naming.path(b"s", 0) {
            Err(why) if why == ELSEWHERE => Err(why),
            _ => Ok(naming),
        }
    }

    /// Where all files are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether all files of a stream have one name.
    pub fn is_constant(&self) -> bool {
        !self.unique && matches!(self.suffix, Suffix::Text(_))
    }

    /// Whether the second at which a file begins is in its name.
    pub fn is_unique(&self) -> bool {
        self.unique
    }

    /// The file of a stream that begins at this second since 1970. A name that would be hidden, or none, is refused: of the
    /// rest nothing leaves the directory, since a slash is escaped.
    pub fn path(&self, stream: &[u8], seconds: u64) -> Result<PathBuf, String> {
        if stream.is_empty() || stream[0] == b'.' || stream.contains(&0) {
            return Err("no file can have this name".to_owned());
        }
        let mut name = Vec::new();
        escape::component(stream, &mut name);
        if self.unique {
            name.extend_from_slice(format!("-{seconds}").as_bytes());
        }
        match &self.suffix {
            Suffix::Text(text) => name.extend_from_slice(text.as_bytes()),
            Suffix::Time(format) => {
                let text = sys::clock::strftime(format, seconds, false);
                name.extend_from_slice(&text.ok_or("the record_suffix comes to nothing")?);
            }
        }
        let mut parts = name.split(|&byte| byte == b'/');
        if parts.clone().any(|part| part == b"..") {
            return Err(ELSEWHERE.to_owned());
        }
        if parts.any(|part| part.len() > LONGEST) {
            return Err("no file can have a name of this length".to_owned());
        }
        let name = String::from_utf8(name).map_err(|_| "the record_suffix comes to no text")?;
        Ok(self.dir.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(suffix: &str, unique: bool, stream: &[u8]) -> Result<String, String> {
        let naming = Naming::new("/rec".into(), suffix, unique).expect("a suffix");
        naming.path(stream, 1_000_000_000).map(|path| path.to_string_lossy().into_owned())
    }

    #[test]
    fn names_are_those_of_nginx_rtmp() {
        let is = |suffix, unique, stream: &[u8], expected: &str| {
            assert_eq!(path(suffix, unique, stream).as_deref(), Ok(expected));
        };
        is(".flv", false, b"cam", "/rec/cam.flv");
        is(".flv", true, b"cam", "/rec/cam-1000000000.flv");
        is(".flv", false, b"a/../b c\xc3\xa4~_-.", "/rec/a%2F..%2Fb%20c%C3%A4~_-..flv");
        // At noon in no time zone is it another year.
        is("-%Y.flv", false, b"cam", "/rec/cam-2001.flv");
        is("/%Y%%.flv", false, b"cam", "/rec/cam/2001%.flv");
        is("", false, b"%2e%2e", "/rec/%252e%252e");
    }

    #[test]
    fn what_follows_has_the_next_number() {
        let after = |last: &str| behind("/rec/s-7.flv".into(), Path::new(last));
        assert_eq!(after("/rec/s-7.flv"), Path::new("/rec/s-7-1.flv"));
        assert_eq!(after("/rec/s-7-1.flv"), Path::new("/rec/s-7-2.flv"));
        assert_eq!(after("/rec/s-7-09.flv"), Path::new("/rec/s-7.flv"));
        assert_eq!(after("/rec/s-6.flv"), Path::new("/rec/s-7.flv"));
        assert_eq!(after("/elsewhere/s-7.flv"), Path::new("/rec/s-7.flv"));
    }

    #[test]
    fn suffixes_that_lead_elsewhere_are_refused() {
        for suffix in ["/../x.flv", "/..", "/%Y/../../x.flv", "/../"] {
            assert!(Naming::new("/rec".into(), suffix, false).is_err(), "{suffix}");
        }
        for suffix in ["..", "..flv", "/...", "/%Y/x.flv", "/.flv"] {
            assert!(path(suffix, false, b"cam").is_ok(), "{suffix}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in [&b""[..], b".", b"..", b".hidden", b"../x", b"a\0b", &[b'a'; 252]] {
            assert!(path(".flv", false, name).is_err(), "{name:?}");
        }
        assert!(path(".flv", false, &[b'a'; 251]).is_ok());
        // Escaped, it is three times as long.
        assert!(path(".flv", false, &[b'/'; 84]).is_err());
    }
}
