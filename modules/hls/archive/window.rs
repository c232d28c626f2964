//! How much there is of a stream, and where.

use std::path::PathBuf;
use std::rc::Rc;

use crate::files::names::is_fit;

/// How much there is of a stream.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Segments of playlists that are so long, in milliseconds, are in memory.
    pub memory: u64,
    /// What has left that is in files.
    pub window: Option<Rc<Window>>,
}

/// `hls_window`
#[derive(Debug)]
pub struct Window {
    /// How much there is to be, in milliseconds; `u64::MAX`: all.
    pub length: u64,
    /// `hls_window_path`
    pub path: PathBuf,
    /// What names of streams begin with in the zone.
    pub prefix: String,
}

impl Window {
    /// Where the files of a stream are. `None`: none can have its name.
    pub fn directory(&self, channel: &[u8]) -> Option<PathBuf> {
        let name = channel.strip_prefix(self.prefix.as_bytes()).filter(|name| is_fit(name))?;
        Some(self.path.join(std::str::from_utf8(name).ok()?))
    }
}
