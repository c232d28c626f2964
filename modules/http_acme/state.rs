//! What outlives the server: the account's key, certificates. Files appear whole, and are this user's alone.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sys::unnamed::Unnamed;

use crate::order::Order;

/// The account's key.
pub fn account(folder: &Path) -> PathBuf {
    folder.join("account.key")
}

/// A certificate, those between it and a root, and its key.
pub fn certificate(order: &Order) -> Option<PathBuf> {
    let folder = order.issuer.state.as_ref()?;
    Some(folder.path.join(format!("{}.pem", order.file)))
}

/// Nothing that is kept is longer.
const LONGEST: u64 = 1 << 20;

/// Reads a file; `None`: it is not there.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match sys::private::read(path, LONGEST) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file, which is on the disk when this returns.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let new = Unnamed::create(folder)?;
    let mut file = new.file();
    file.write_all(bytes)?;
    file.sync_all()?;
    new.install(path)?;
    File::open(folder)?.sync_all()
}
