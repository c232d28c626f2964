//! Media that ffmpeg makes for the tests.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::process::Command;

use crate::process;

/// The file that ffmpeg makes of these arguments. It is made once, and stays in the build directory for the tests that come
/// next: nobody may write to it.
#[track_caller]
pub fn media(ending: &str, args: &[&str]) -> PathBuf {
    let program = std::env::current_exe().expect("a path");
    // This program is in TARGET/PROFILE/deps.
    let folder = program.ancestors().nth(3).expect("the build directory").join("media");
    let mut hasher = DefaultHasher::new();
    args.hash(&mut hasher);
    let path = folder.join(format!("{:016x}.{ending}", hasher.finish()));
    if !path.exists() {
        fs::create_dir_all(&folder).expect("a directory");
        // Whoever comes at the same time makes one, too, and both are the same.
        let own = std::env::temp_dir().join(format!("media-{}.{ending}", std::process::id()));
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-hide_banner", "-loglevel", "fatal", "-nostdin", "-y"]).args(args).arg(&own);
        let output = process::run(&mut ffmpeg);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let beside = folder.join(format!("{:016x}", fastrand::u64(..)));
        fs::copy(&own, &beside).and_then(|_| fs::rename(&beside, &path)).expect("it is kept");
        let _ = fs::remove_file(own);
    }
    path
}
