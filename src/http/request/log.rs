//! What is told of a request: in the error log, in the trace, and when it has ended.

use std::sync::Arc;

use mem::Str;
use proto::http1::Name;
use sys::log::{Level, Log};

use super::Request;

impl Request {
    /// Keeps only what a log line is made of, in no more memory than that takes. `contexts`: what modules have kept is part of it.
    pub(crate) fn compact(&mut self, contexts: bool) {
        let response = &mut self.response;
        response.body.clear();
        response.takeover = None;
        for text in [&mut self.bytes, &mut self.uri, &mut self.args, &mut self.host] {
            *text = Str::copy(text);
        }
        for (name, value) in &mut response.headers {
            (*name, *value) = (Str::copy(name), Str::copy(value));
        }
        response.headers.shrink_to_fit();
        for assigned in self.set.borrow_mut().iter_mut() {
            assigned.value = Str::copy(&assigned.value);
        }
        self.captures.get_mut().clear();
        self.head.fields.shrink_to_fit();
        self.upstream = None;
        self.scratch = Vec::new();
        if !contexts {
            self.contexts = Vec::new();
        }
        self.pool.release();
    }

    /// Notes something in the trace of this connection, if it is traced.
    pub fn trace(&self, happening: crate::Happening<'_>) {
        self.listener.trace(self.connection.conn(), happening);
    }

    /// Writes to the location's error log, with who asked for what.
    pub fn error(&self, level: Level, message: std::fmt::Arguments<'_>) {
        let logs = &self.location.settings.error_logs;
        if takes(logs, level) {
            let line = self.with_context(message);
            sys::log::write_to(logs, level, format_args!("{line}"));
        }
    }

    /// The same log, for whoever writes to it when the request is not at hand.
    pub fn log(&self) -> RequestLog {
        let number = format!("*{} ", self.connection.serial());
        let context = self.with_context(format_args!("")).split_off(number.len());
        RequestLog { logs: &self.location.settings.error_logs, number, context }
    }

    fn with_context(&self, message: std::fmt::Arguments<'_>) -> String {
        let lossy = String::from_utf8_lossy;
        let mut line = format!("*{} {message}, client: {}", self.connection.serial(), self.peer());
        line.push_str(&format!(", server: {}", self.server.name));
        if !self.request_line().is_empty() {
            line.push_str(&format!(", request: \"{}\"", lossy(self.request_line())));
        }
        if self.is_subrequest() {
            line.push_str(&format!(", subrequest: \"{}\"", self.uri));
        }
        if let Some(upstream) = &self.upstream {
            line.push_str(&format!(", upstream: \"{upstream}\""));
        }
        if let Some(host) = self.header(Name::Host) {
            line.push_str(&format!(", host: \"{}\"", lossy(host)));
        }
        if let Some(referrer) = self.header(Name::Referer) {
            line.push_str(&format!(", referrer: \"{}\"", lossy(referrer)));
        }
        one_line(&line)
    }
}

/// What is written of a request, with who asked for what.
pub struct RequestLog {
    logs: &'static [Arc<Log>],
    number: String,
    context: String,
}

impl RequestLog {
    /// Writes a message.
    pub fn error(&self, level: Level, message: &str) {
        if takes(self.logs, level) {
            let (number, context) = (&self.number, &self.context);
            let message = one_line(message);
            sys::log::write_to(self.logs, level, format_args!("{number}{message}{context}"));
        }
    }
}

fn takes(logs: &[Arc<Log>], level: Level) -> bool {
    match logs.is_empty() {
        true => sys::log::takes(level),
        false => logs.iter().any(|log| log.takes(level)),
    }
}

/// What a client sent must not make lines of its own.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), "?")
}
