//! Folders that are one user's alone, and files in them. Whoever reads there as root trusts nobody: that user may have put
//! anything in a file's place.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::file::{bytes, open_at, with_umask};
use crate::small;
use crate::user::Identity;

/// Makes a folder that is this user's alone, or `user`'s; those above it that are missing let others through. One that is
/// there stays as it is, and must be that user's, where nobody else may write.
pub fn folder(path: &Path, user: Option<&Identity>) -> io::Result<()> {
    // A slash at the end would have a link followed.
    let path: PathBuf = path.components().collect();
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        with_umask(0o022, || DirBuilder::new().mode(0o755).recursive(true).create(parent))?;
    }
    let made = DirBuilder::new().mode(0o700).create(&path);
    let is_new = match made {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(error),
    };
    let folder = open_folder(&path)?;
    match user {
        Some(user) if is_new => user.own(&folder),
        _ => check(&folder, user),
    }
}

/// Reads a file of at most so many bytes in such a folder: one of the folder's owner, or root's, and no link.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = open_folder(parent)?;
    let name = bytes(Path::new(name));
    let file = open_at(folder.as_raw_fd(), name, libc::O_NOFOLLOW).map_err(in_words)?;
    let (known, owner) = (file.metadata()?, folder.metadata()?.uid());
    // A second name may have been given to root's file by whoever must not read it.
    let is_trusted = known.uid() == owner || (known.uid() == 0 && known.nlink() == 1);
    if known.is_file() && !is_trusted {
        return Err(io::Error::other(format!("it is user {}'s", known.uid())));
    }
    small::whole(&file, most)
}

fn open_folder(path: &Path) -> io::Result<File> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    open_at(libc::AT_FDCWD, bytes(path), flags).map_err(in_words)
}

fn in_words(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::ELOOP) => io::Error::other("it is a link, which is not followed"),
        // What the kernel says of a link, too.
        Some(libc::ENOTDIR) => io::Error::other("it is no folder, or a link to one"),
        _ => error,
    }
}

fn check(folder: &File, user: Option<&Identity>) -> io::Result<()> {
    let known = folder.metadata()?;
    let wanted = user.map_or(nix::unistd::Uid::effective(), |user| user.uid).as_raw();
    if known.uid() != wanted {
        let whose = user.map_or_else(|| wanted.to_string(), |user| user.name.clone());
        let why = format!("it is there, and is user {}'s: it must be {whose}'s", known.uid());
        return Err(io::Error::other(why));
    }
    match known.mode() & 0o022 {
        0 => Ok(()),
        _ => Err(io::Error::other("others may write there: chmod go-w it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use crate::user;

    struct Dir(PathBuf);

    impl Dir {
        fn new(name: &str) -> Dir {
            let path = std::env::temp_dir().join(format!("{name}-{}", crate::process::pid()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).expect("a directory");
            Dir(path)
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").mode() & 0o7777
    }

    fn nobody() -> Option<Identity> {
        let group = ["nogroup", "nobody"]
            .iter()
            .find_map(|group| Identity::find("nobody", Some(group)).ok());
        group.filter(|_| user::is_root())
    }

    #[test]
    fn the_folder_is_its_users_alone_and_those_above_let_others_through() {
        let dir = Dir::new("private-made");
        let user = nobody();
        let path = dir.at("deep/er/le/");
        with_umask(0o077, || folder(&path, user.as_ref())).expect("made");
        assert_eq!([mode(&dir.at("deep")), mode(&dir.at("deep/er"))], [0o755; 2]);
        assert_eq!(mode(&path), 0o700);
        let owner = |path: &Path| fs::metadata(path).expect("it is there").uid();
        assert_eq!(owner(&dir.at("deep")), owner(&dir.0));
        if let Some(user) = &user {
            assert_eq!(owner(&path), user.uid.as_raw());
        }
        folder(&path, user.as_ref()).expect("it is there");
    }

    #[test]
    fn a_folder_of_others_stays_theirs() {
        let dir = Dir::new("private-others");
        let refusal = |name: &str, user: Option<&Identity>| {
            folder(&dir.at(name), user).expect_err("refused").to_string()
        };
        let make = |name: &str, mode| {
            fs::create_dir(dir.at(name)).expect("a directory");
            fs::set_permissions(dir.at(name), Permissions::from_mode(mode)).expect("chmod");
        };
        make("open", 0o775);
        assert!(refusal("open", None).contains("others may write there"));
        make("seen", 0o755);
        folder(&dir.at("seen"), None).expect("others may only look");
        symlink("seen", dir.at("link")).expect("a link");
        fs::write(dir.at("file"), "").expect("a file");
        for name in ["link", "link/", "link/.", "file"] {
            assert!(refusal(name, None).contains("no folder, or a link"), "{name}");
        }
        if let Some(user) = nobody() {
            assert!(refusal("seen", Some(&user)).contains("is user 0's: it must be nobody's"));
            assert_eq!(fs::metadata(dir.at("seen")).expect("it is there").uid(), 0);
        }
    }

    #[test]
    fn in_a_file_s_place_anything_may_be() {
        let dir = Dir::new("private-read");
        let own = dir.at("own");
        folder(&own, None).expect("made");
        fs::write(dir.at("secret"), "secret").expect("a file");
        symlink(dir.at("secret"), own.join("link")).expect("a link");
        nix::unistd::mkfifo(&own.join("pipe"), nix::sys::stat::Mode::S_IRUSR).expect("a pipe");
        fs::write(own.join("file"), "text").expect("a file");
        assert_eq!(read(&own.join("file"), 4).expect("read"), b"text");
        let refusal = |name: &str| read(&own.join(name), 3).expect_err("refused").to_string();
        assert!(refusal("link").contains("link"));
        assert_eq!(refusal("pipe"), "it is not a file");
        assert_eq!(refusal("file"), "it has more than 3 bytes");
        assert!(read(&own.join("none"), 3).is_err_and(|e| e.kind() == io::ErrorKind::NotFound));
        symlink(&own, dir.at("other")).expect("a link");
        assert!(read(&dir.at("other/file"), 4).is_err(), "the folder is none, either");
        if let Some(user) = nobody() {
            let uid = Some(user.uid.as_raw());
            chown(&own, uid, None).expect("chown");
            assert_eq!(read(&own.join("file"), 4).expect("root's"), b"text");
            fs::hard_link(dir.at("secret"), own.join("hard")).expect("a second name");
            assert_eq!(
                read(&own.join("hard"), 9).expect_err("refused").to_string(),
                "it is user 0's"
            );
            chown(own.join("file"), Some(1), None).expect("chown");
            assert_eq!(
                read(&own.join("file"), 4).expect_err("refused").to_string(),
                "it is user 1's"
            );
            chown(own.join("file"), uid, None).expect("chown");
            assert_eq!(read(&own.join("file"), 4).expect("its user's"), b"text");
        }
    }
}
