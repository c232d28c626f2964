//! What goes wrong between the server and others: how far it had come, and why. From that follow the status that the
//! client is told, whose fault it was, and whether another try can help: logs and retries use the same value.

use std::fmt;
use std::io;

/// How far an exchange had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A name's addresses were looked for.
    Resolve,
    /// Nobody had been reached.
    Connect,
    /// The handshake of TLS was not done.
    Tls,
    /// The request was on its way.
    Send,
    /// The answer's head was waited for.
    Head,
    /// The answer's body was.
    Body,
    /// The body of our own client's request was read.
    Client,
    /// Our own answer's body was made.
    Answer,
}

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The client of this server.
    Client,
    /// A server that this one has asked.
    Upstream,
    /// This server, or its disk.
    Server,
}

/// What has failed, and when.
#[derive(Debug)]
pub struct Error {
    /// How far it had come.
    pub phase: Phase,
    /// What happened.
    pub cause: Cause,
}

/// What ended an exchange.
#[derive(Debug)]
pub enum Cause {
    /// The system says so.
    Io(io::Error),
    /// The deadline has passed.
    TimedOut,
    /// The other side has closed; it has sent so many bytes of what was waited for.
    Closed(usize),
    /// It is longer than so many bytes.
    TooLarge(usize),
    /// It is not HTTP/1.
    NotHttp,
    /// It is refused with this status, for this reason.
    Refused(u16, &'static str),
    /// What it was made of cannot be used.
    Invalid(String),
}

impl Error {
    /// A failure in a phase.
    pub fn new(phase: Phase, cause: impl Into<Cause>) -> Error {
        Error { phase, cause: cause.into() }
    }

    /// The answer's body cannot be made of what there is.
    pub fn invalid(why: impl Into<String>) -> Error {
        Error::new(Phase::Answer, Cause::Invalid(why.into()))
    }

    /// The status that says it to the client.
    pub fn status(&self) -> u16 {
        match (self.blame(), &self.cause) {
            (_, Cause::Refused(status, _)) => *status,
            (Blame::Client, Cause::TimedOut) => 408,
            (Blame::Client, Cause::TooLarge(_)) => 413,
            (Blame::Client, _) => 400,
            (Blame::Upstream, Cause::TimedOut) => 504,
            (Blame::Upstream, _) => 502,
            (Blame::Server, Cause::Io(error)) if is_full(error) => 507,
            (Blame::Server, _) => 500,
        }
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self.phase {
            Phase::Client => Blame::Client,
            Phase::Answer => Blame::Server,
            _ => Blame::Upstream,
        }
    }

    /// Whether another server, or another connection, may do better: the one that failed has said nothing yet.
    pub fn may_retry(&self) -> bool {
        match self.phase {
            Phase::Resolve | Phase::Connect | Phase::Tls | Phase::Send => true,
            Phase::Head => matches!(self.cause, Cause::Closed(0) | Cause::Io(_)),
            Phase::Body | Phase::Client | Phase::Answer => false,
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl std::error::Error for Error {}

/// Of what the answer's body is made.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::new(Phase::Answer, error)
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Cause {
        match error.kind() {
            io::ErrorKind::TimedOut => Cause::TimedOut,
            _ => Cause::Io(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.phase {
            Phase::Resolve => return write!(f, "the name: {}", self.cause),
            Phase::Connect => return write!(f, "connect() {}", self.cause),
            Phase::Tls => return write!(f, "the TLS handshake {}", self.cause),
            Phase::Send => return write!(f, "send() {}", self.cause),
            Phase::Head => "the answer's head",
            Phase::Body => "the answer's body",
            Phase::Client => "the client's body",
            Phase::Answer => return write!(f, "{}", self.cause),
        };
        match &self.cause {
            Cause::Closed(0) if self.phase == Phase::Head => {
                f.write_str("closed without an answer")
            }
            Cause::Closed(_) => write!(f, "closed before the end of {part}"),
            Cause::TooLarge(most) => write!(f, "{part} is longer than {most} bytes"),
            Cause::NotHttp => f.write_str("the answer is not HTTP"),
            Cause::Io(_) => write!(f, "recv() {}", self.cause),
            cause => write!(f, "{cause}"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Io(error) => write!(f, "failed {}", sys::log::errno(error)),
            Cause::TimedOut => f.write_str("timed out"),
            Cause::Closed(_) => f.write_str("was cut off"),
            Cause::TooLarge(most) => write!(f, "is longer than {most} bytes"),
            Cause::NotHttp => f.write_str("is not HTTP"),
            Cause::Refused(_, why) => f.write_str(why),
            Cause::Invalid(why) => f.write_str(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_knows_its_status_and_whose_it_is() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let cases = [
            (Error::new(Phase::Client, Cause::TimedOut), 408, Blame::Client, false),
            (Error::new(Phase::Client, Cause::Closed(3)), 400, Blame::Client, false),
            (
                Error::new(Phase::Client, Cause::Refused(413, "too large")),
                413,
                Blame::Client,
                false,
            ),
            (Error::new(Phase::Connect, Cause::TimedOut), 504, Blame::Upstream, true),
            (Error::new(Phase::Head, Cause::Closed(0)), 502, Blame::Upstream, true),
            (Error::new(Phase::Head, Cause::Closed(9)), 502, Blame::Upstream, false),
            (Error::new(Phase::Body, Cause::NotHttp), 502, Blame::Upstream, false),
            (Error::new(Phase::Answer, full()), 507, Blame::Server, false),
            (Error::invalid("it is not gzip"), 500, Blame::Server, false),
        ];
        for (error, status, blame, retry) in cases {
            let found = (error.status(), error.blame(), error.may_retry());
            assert_eq!(found, (status, blame, retry), "{error}");
        }
    }
}
