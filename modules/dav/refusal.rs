//! Why something is not done: a status for the client, and words for the log.

use std::io;
use std::path::Path;

use http::{Flow, LogLevel, Request};

/// What is not done.
#[derive(Debug)]
pub struct Refusal {
    status: u16,
    why: String,
}

impl Refusal {
    /// It is the client's own fault.
    pub fn new(status: u16, why: impl Into<String>) -> Refusal {
        Refusal { status, why: why.into() }
    }

    /// The system does not do it; `missing` is the status for what is not there. As nginx maps them.
    pub fn of(error: &io::Error, missing: u16, what: &str, path: &Path) -> Refusal {
        let status = match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidFilename => missing,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => 403,
            io::ErrorKind::AlreadyExists => 405,
            io::ErrorKind::IsADirectory | io::ErrorKind::DirectoryNotEmpty => 409,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => 507,
            _ => 500,
        };
        let errno = sys::log::errno(error);
        Refusal { status, why: format!("{what} \"{}\" failed {errno}", path.display()) }
    }

    /// The same with another status.
    pub fn with_status(self, status: u16) -> Refusal {
        Refusal { status, ..self }
    }

    /// Says what has come of it.
    pub fn noting(self, why: &str) -> Refusal {
        Refusal { why: format!("{}: {why}", self.why), ..self }
    }

    /// Writes it to the log; the client gets the status.
    pub fn tell(self, request: &mut Request) -> Flow {
        // Who has given up its request has nobody to blame.
        let level = if self.status == 499 { LogLevel::Info } else { LogLevel::Error };
        request.error(level, format_args!("{}", self.why));
        Flow::Status(self.status)
    }
}

/// The body of a request that has none by its method.
pub fn refuse_body(request: &Request) -> Result<(), Refusal> {
    match request.framing {
        proto::http1::Body::None | proto::http1::Body::Length(0) => Ok(()),
        _ => Err(Refusal::new(415, "a body is unsupported with this method")),
    }
}

/// `Depth`: `None` is infinity, which is what no field means.
pub fn depth(request: &Request) -> Result<Option<u8>, Refusal> {
    let mut fields = request.headers_named("depth");
    match fields.next() {
        None | Some(b"infinity") => Ok(None),
        Some(b"0") => Ok(Some(0)),
        Some(b"1") => Ok(Some(1)),
        Some(other) => {
            let why = format!("client sent invalid \"Depth\" header: \"{}\"", other.escape_ascii());
            Err(Refusal::new(400, why))
        }
    }
}
