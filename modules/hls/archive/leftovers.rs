//! Directories of streams that nobody has published for longer than the window is: they are removed when the server starts.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::rc::Rc;

use module::Process;

use crate::archive::disk::load;
use crate::archive::window::Window;
use crate::archive::writer::Writer;
use crate::zone::HlsZone;

/// The directories of an application.
pub struct Leftovers {
    /// Where.
    pub window: Rc<Window>,
    /// The zone that its streams are in.
    pub zone: Rc<HlsZone>,
    /// Directories stay for so many milliseconds after the newest segment in them.
    pub stay: u64,
}

impl Process for Leftovers {
    fn started(&'static self) -> Result<(), String> {
        rt::after(0, || rt::spawn(self.sweep()));
        Ok(())
    }
}

impl Leftovers {
    async fn sweep(&'static self) {
        let root = self.window.path.clone();
        let found = rt::offload(move || names(&root)).await.unwrap_or_default();
        let Some(hub) = self.zone.hub() else { return };
        let channels = found.iter().map(|name| [&self.window.prefix, name.as_str()].concat());
        let is_left = |channel: &String| hub.attachment.zone().find(channel.as_bytes()).is_none();
        let left: HashSet<String> = channels.filter(is_left).collect();
        let before = (rt::wall().as_millis() as u64).saturating_sub(self.stay);
        for channel in left {
            let Some(directory) = self.window.directory(channel.as_bytes()) else { continue };
            let length = self.window.length;
            let done = rt::offload(move || {
                let pieces = load(&directory, channel.as_bytes())?;
                let newest =
                    pieces.iter().filter_map(|piece| piece.rows.last()).map(|row| row.wall);
                // One that has none of ours is somebody else's.
                if pieces.is_empty() || newest.max().unwrap_or(0) > before {
                    return Ok(());
                }
                let (writer, _) = Writer::open(directory, channel.into_bytes(), length, None)?;
                writer.remove_all()
            });
            match done.await {
                // Somebody has it by now.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    let (path, errno) = (self.window.path.display(), sys::log::errno(&error));
                    sys::log!(Error, "what was left in \"{path}\" cannot be removed {errno}");
                }
                Ok(()) => {}
            }
        }
    }
}

/// The names of directories.
fn names(root: &std::path::Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(root)?.flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(directories.filter_map(|entry| entry.file_name().into_string().ok()).collect())
}
