//! The core's settings of one location, as requests use them.

use std::rc::Rc;
use std::sync::Arc;

use mem::Str;
use sys::log::Log;

use crate::block::types::Types;
use crate::body::kept::{Folder, InFile};
use crate::response::compression::Compression;
use crate::response::error_page::ErrorPage;
use crate::response::rate::Rate;
use crate::trace::Trace;
use crate::vars::template::Template;

/// When an unread body makes the close wait (`lingering_close`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lingering {
    /// Never.
    Off,
    /// When the client may still be sending.
    On,
    /// Whenever a connection is closed by us.
    Always,
}

/// What the path of an `alias` takes the place of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alias {
    /// This prefix of the URI: the pattern of the location in which it was written.
    Prefix(Str),
    /// The whole URI: the location is a regular expression.
    Whole,
}

/// How much of our name goes into headers and pages (`server_tokens`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// `rserve/VERSION`
    On,
    /// `rserve`
    Off,
}

/// What is set of HTTP/2.
#[derive(Clone, Copy, Debug)]
pub struct Http2 {
    /// Only the server's: it is spoken.
    pub on: bool,
    /// Only the server's: streams at a time.
    pub streams: u32,
    /// Only the server's: what a client may send of a body before it is read.
    pub window: u32,
    /// Bytes of a DATA frame.
    pub chunk: usize,
}

/// Settings of a location. Times are milliseconds, sizes bytes.
#[derive(Clone)]
pub struct Settings {
    /// It is `alias`: what it replaces.
    pub alias: Option<Alias>,
    /// Where relative paths start.
    pub prefix: Str,
    /// `internal`
    pub internal: bool,
    /// Extensions and their types.
    pub types: Rc<Types>,
    /// `default_type`
    pub default_type: Str,
    /// 0: any.
    pub client_max_body_size: u64,
    /// The configuration says it.
    pub client_max_body_size_is_set: bool,
    /// Whether bodies that are kept have files with names.
    pub body_in_file: InFile,
    /// Where those files are.
    pub body_folder: Folder,
    /// Subrequests have lines in the access log.
    pub log_subrequest: bool,
    /// Between two reads of a body.
    pub client_body_timeout: u64,
    /// So much of a body that is kept stays in memory.
    pub client_body_buffer_size: u64,
    /// How long an idle connection stays; 0: not at all.
    pub keepalive_timeout: u64,
    /// Seconds in the `Keep-Alive` header, if that is sent.
    pub keepalive_header: Option<u64>,
    /// Requests per connection.
    pub keepalive_requests: u64,
    /// Age of a connection after which it serves no further request.
    pub keepalive_time: u64,
    /// Quiet time before an idle connection of a draining worker is closed.
    pub keepalive_min_timeout: u64,
    /// Between two writes.
    pub send_timeout: u64,
    /// Whether to wait for a client that is still sending.
    pub lingering_close: Lingering,
    /// At most, in all.
    pub lingering_time: u64,
    /// Between two reads.
    pub lingering_timeout: u64,
    /// A timed-out connection is reset, not closed.
    pub reset_timedout_connection: bool,
    /// Answers whose length is not known go out in chunks.
    pub chunked_transfer_encoding: bool,
    /// Files go out by `sendfile(2)`.
    pub sendfile: bool,
    /// So much of a file before other connections get their turn.
    pub sendfile_max_chunk: u64,
    /// Files are read and sent by other threads.
    pub aio_threads: bool,
    /// Size of one buffer of a file without `sendfile`.
    pub output_buffer: u64,
    /// `server_tokens`, unless these are words of the configuration's own.
    pub tokens: Tokens,
    /// Pages of errors are made long enough for browsers that hide short ones.
    pub msie_padding: bool,
    /// Redirects are pages for Internet Explorer.
    pub msie_refresh: bool,
    /// An error page's error may have its own page.
    pub recursive_error_pages: bool,
    /// A missing file is written to the error log.
    pub log_not_found: bool,
    /// Redirects carry scheme and host.
    pub absolute_redirect: bool,
    /// … and the port.
    pub port_in_redirect: bool,
    /// … with the server's name, not the one asked for.
    pub server_name_in_redirect: bool,
    /// One access module that lets in is enough.
    pub satisfy_any: bool,
    /// Milliseconds before a client is told that it is not let in.
    pub auth_delay: u64,
    /// Answers are compressed for clients that accept it.
    pub gzip: bool,
    /// 1 to 9.
    pub gzip_comp_level: u32,
    /// Who gets compressed answers.
    pub compression: Compression,
    /// `error_log`s of this location; none: the process's own.
    pub error_logs: Vec<Arc<Log>>,
    /// A variable that is used before it is set is worth a warning.
    pub uninitialized_variable_warn: bool,
    /// Only the server's: limits of a request's head.
    pub limits: proto::http1::HeadLimits,
    /// Only the server's: a whole head must arrive in this time.
    pub client_header_timeout: u64,
    /// Only the server's: the first buffer of a head that trickles in.
    pub client_header_buffer_size: u64,
    /// Only the server's: `//` in a URI becomes `/`.
    pub merge_slashes: bool,
    /// Only the server's: `tcp_nodelay`.
    pub tcp_nodelay: bool,
    /// HTTP/2.
    pub http2: Http2,
    /// Only the `http` block's: the event trace.
    pub trace: Option<Rc<Trace>>,
}

/// What of the settings may have variables in it, which an `R` has.
pub struct Words<R: 'static> {
    /// The value of `root` or `alias`.
    pub root: Template<R>,
    /// How the server names itself, if that is written.
    pub name: Option<Template<R>>,
    /// It begins with a variable: made absolute when it is evaluated.
    pub root_relative: bool,
    /// `error_page`
    pub error_pages: Rc<[ErrorPage<R>]>,
    /// `limit_rate`
    pub rate: Rate<R>,
    /// `limit_rate_after`
    pub rate_after: Rate<R>,
}

impl Settings {
    /// How long a close waits that must not take anything from the client.
    pub fn lingering(&self) -> rt::Lingering {
        rt::Lingering {
            send: self.send_timeout,
            timeout: self.lingering_timeout,
            time: self.lingering_time,
            most: usize::MAX,
        }
    }

    /// The type of a file, by the extension of its name.
    pub fn type_of(&self, path: &[u8]) -> &Str {
        self.types.of(path).unwrap_or(&self.default_type)
    }
}
