//! What goes wrong, and what the server says of it (RFC 8555, 6.7; RFC 9457).

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::transport::Response;

const NAMESPACE: &str = "urn:ietf:params:acme:error:";

/// A server's complaint.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Problem {
    /// Its kind: `rateLimited`, `badNonce` …, or a URI of others.
    #[serde(rename = "type")]
    pub kind: String,
    /// In words.
    pub detail: String,
    /// The status that it came with.
    pub status: u16,
    /// Which name it is about.
    pub identifier: Option<Named>,
    /// What it consists of.
    pub subproblems: Vec<Problem>,
    /// When to come back.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

/// The name that a complaint is about.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Named {
    /// The name.
    pub value: String,
}

impl Problem {
    /// What an answer that is an error says. Without a document: what its status says.
    pub fn of(response: &Response, now: SystemTime) -> Box<Problem> {
        let mut problem: Box<Problem> = serde_json::from_slice(&response.body).unwrap_or_default();
        problem.status = response.status;
        problem.retry_after = response.retry_after(now);
        problem.shorten();
        problem
    }

    fn shorten(&mut self) {
        if let Some(short) = self.kind.strip_prefix(NAMESPACE) {
            self.kind = short.to_owned();
        }
    }

    /// Whether it is of a kind.
    pub fn is(&self, kind: &str) -> bool {
        self.kind.strip_prefix(NAMESPACE).unwrap_or(&self.kind) == kind
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.kind.strip_prefix(NAMESPACE).unwrap_or(&self.kind) {
            "" => write!(f, "status {}", self.status)?,
            kind => write!(f, "{kind}")?,
        }
        // It goes to a log, and comes from elsewhere.
        let plain = |text: &str| text.replace(|c: char| c.is_control(), " ");
        if let Some(named) = &self.identifier {
            write!(f, " ({})", plain(&named.value))?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", plain(&self.detail))?;
        }
        self.subproblems.iter().try_for_each(|problem| write!(f, "; {problem}"))?;
        match self.retry_after {
            Some(time) => write!(f, "; try again in {} s", time.as_secs()),
            None => Ok(()),
        }
    }
}

/// Why there is no certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The server was not reached, or did not answer.
    Transport(String),
    /// It refuses.
    Refused(Box<Problem>),
    /// It does not believe that a name is ours.
    Unproven(String, Box<Problem>),
    /// It speaks no ACME: what was expected.
    Protocol(String),
    /// It takes too long.
    Patience(&'static str),
    /// What is wanted cannot be had, or not so.
    Wish(String),
    /// What proves a name could not be shown.
    Prover(String),
}

impl Error {
    /// When the server wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Refused(problem) | Error::Unproven(_, problem) => problem.retry_after,
            _ => None,
        }
    }

    pub(crate) fn protocol(expected: impl Into<String>) -> Error {
        Error::Protocol(expected.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::Transport(error) => write!(f, "{error}"),
            Error::Refused(problem) => write!(f, "the ACME server refuses: {problem}"),
            Error::Unproven(name, problem) => write!(f, "{name} is not proven: {problem}"),
            Error::Protocol(expected) => write!(f, "the ACME server gives no {expected}"),
            Error::Patience(what) => write!(f, "the ACME server does not come to an end: {what}"),
            Error::Wish(what) => write!(f, "{what}"),
            Error::Prover(error) => write!(f, "the proof cannot be shown: {error}"),
        }
    }
}

impl std::error::Error for Error {}
