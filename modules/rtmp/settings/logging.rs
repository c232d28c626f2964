//! The access log.

use conf::{Arity, Error, Setting, contexts, settings};

use crate::log::format::{self, AccessLog, Format};
use crate::settings::values::ANY;

settings! {
    /// What a block says of its log.
    #[derive(Default)]
    pub struct Logging {
        raw log_format: Vec<Format> = (
            contexts!(RTMP), Arity::AtLeast(2), add_format, "combined …",
            "a named form of lines: NAME text with variables"
        );
        list access_log: AccessLog = (
            ANY, Arity::Between(1, 2), |s| Ok::<_, Error>(format::access_log(s)),
            "logs/access.log combined", "FILE [FORMAT] or off: a line for each connection"
        );
    }
}

fn add_format(logging: &mut Logging, setting: &Setting<'_>) -> Result<(), Error> {
    let format = format::format(logging.log_format.as_slice(), setting)?;
    logging.log_format.push(format);
    Ok(())
}
