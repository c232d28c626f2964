//! Where things are: what the command line says, and what holds if it says nothing.

use std::path::PathBuf;

use crate::Failure;
use crate::options::Options;

/// Where the command line says that things are.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where relative paths start; absolute, so that a change of directory does not matter.
    pub prefix: PathBuf,
    /// The configuration file, as messages name it.
    pub conf: PathBuf,
    /// The error log when the configuration names none.
    pub error_log: PathBuf,
    /// The directives of `-g`.
    pub globals: String,
}

/// Where an installed server has its `conf/` and `logs/`, unless the environment names another place.
pub const INSTALLED_PREFIX: &str = match option_env!("RSERVE_PREFIX") {
    Some(prefix) => prefix,
    None => "/usr/local/rserve",
};

/// The configuration file, relative to the prefix.
const DEFAULT_CONF: &str = "conf/rserve.conf";

impl Place {
    /// Step 1: from the command line.
    pub fn find(options: &Options) -> Result<Place, Failure> {
        let current = std::env::current_dir()
            .map_err(|e| Failure::new(format!("getcwd() failed {}", sys::log::errno(&e))))?;
        let relative = prefix(options);
        let prefix = current.join(&relative);
        let error_log = options.error_log.clone().unwrap_or_else(|| "logs/error.log".into());
        let conf = options.conf.clone().unwrap_or_else(|| DEFAULT_CONF.into());
        Ok(Place {
            conf: relative.join(conf),
            error_log: prefix.join(error_log),
            prefix,
            globals: options.globals.clone(),
        })
    }
}

/// Where relative paths start: what `-p` says; the current directory in a checkout, which has the
/// default file, and when `-c` names one; else where the server is installed.
fn prefix(options: &Options) -> PathBuf {
    if let Some(prefix) = &options.prefix {
        return prefix.clone();
    }
    let named = std::env::var_os("RSERVE_PREFIX").map(PathBuf::from);
    match std::path::Path::new(DEFAULT_CONF).exists() {
        true => PathBuf::new(),
        false if options.conf.is_some() => named.unwrap_or_default(),
        false => named.unwrap_or_else(|| INSTALLED_PREFIX.into()),
    }
}
