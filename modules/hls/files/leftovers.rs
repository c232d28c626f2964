//! Files of streams that a crash of the whole server has left: whoever publishes the stream again goes on with them; those of
//! the others are removed at the start. What is ours is in the journals.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use module::Process;

use crate::files::inventory::Files;
use crate::files::job::{self, Step};
use crate::files::names::{self, StreamNames};
use crate::zone::HlsZone;

/// When it is looked again, in milliseconds.
const AGAIN_MS: u64 = 2000;
/// File systems tell the time as it was a moment ago.
const GRAIN: Duration = Duration::from_millis(50);

/// The files of an application.
pub struct Leftovers {
    /// What it asks for.
    pub files: Files,
    /// The zone that its streams are in.
    pub zone: Rc<HlsZone>,
    /// What their names begin with there.
    pub prefix: String,
}

impl Process for Leftovers {
    fn started(&'static self) -> Result<(), String> {
        // Once more for what was written in the moment of the crash.
        for at in [0, AGAIN_MS] {
            rt::after(at, || rt::spawn(self.sweep()));
        }
        Ok(())
    }
}

impl Leftovers {
    async fn sweep(&'static self) {
        let Files { places, layout, .. } = &self.files;
        if !self.files.cleans_up() {
            return;
        }
        let (root, kind, nested) = (places.root.clone(), layout.kind(), places.nested);
        // A directory that is not there has none.
        let found = rt::offload(move || streams(&root, kind, nested)).await.unwrap_or_default();
        let Some(hub) = self.zone.hub() else { return };
        // Whoever begins now writes to its journal first.
        let since = SystemTime::now() - GRAIN;
        let is_left = |name: &&String| {
            let channel = [&self.prefix, name.as_str()].concat();
            names::is_fit(name.as_bytes())
                && hub.attachment.zone().find(channel.as_bytes()).is_none()
        };
        let steps = found.iter().filter(is_left).map(|name| {
            layout.keep(&StreamNames::new(places.clone(), name), BTreeSet::new(), Some(since))
        });
        let steps: Vec<Step> = steps.collect();
        if let (Err((path, error)), _) = rt::offload(move || job::run(steps, &|| true)).await {
            let (path, errno) = (path.display(), sys::log::errno(&error));
            sys::log!(Error, "files that were left: \"{path}\" failed {errno}");
        }
    }
}

/// The streams that have journals in a directory, or in those below it.
fn streams(root: &Path, kind: &str, nested: bool) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if nested && entry.path().join(format!(".{kind}")).is_file() {
            found.push(name);
        } else if !nested && let Some(name) = name.strip_prefix('.') {
            found.extend(name.strip_suffix(&format!("-{kind}")).map(str::to_owned));
        }
    }
    Ok(found)
}
