//! What is told of a request: in the error log, in the trace, and when it has ended.

use mem::Str;
use proto::http1::Name;
use sys::log::Level;

use super::Request;

impl Request {
    /// Keeps only what a log line is made of, in no more memory than that takes.
    pub(crate) fn compact(&mut self) {
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
        self.scratch = Vec::new();
        self.contexts = Vec::new();
        self.pool.release();
    }

    /// Notes something in the trace of this connection, if it is traced.
    pub fn trace(&self, happening: crate::Happening<'_>) {
        self.listener.trace(self.connection.conn(), happening);
    }

    /// Writes to the location's error log, with who asked for what.
    pub fn error(&self, level: Level, message: std::fmt::Arguments<'_>) {
        let logs = &self.location.settings.error_logs;
        let takes = match logs.is_empty() {
            true => sys::log::takes(level),
            false => logs.iter().any(|log| log.takes(level)),
        };
        if !takes {
            return;
        }
        let line = self.with_context(message);
        sys::log::write_to(logs, level, format_args!("{line}"));
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
        if let Some(host) = self.header(Name::Host) {
            line.push_str(&format!(", host: \"{}\"", lossy(host)));
        }
        if let Some(referrer) = self.header(Name::Referer) {
            line.push_str(&format!(", referrer: \"{}\"", lossy(referrer)));
        }
        // What a client sent must not make lines of its own.
        line.replace(|c: char| c.is_control(), "?")
    }
}
