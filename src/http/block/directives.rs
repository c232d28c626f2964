//! The directives of the HTTP core.

use std::rc::Rc;
use std::sync::Arc;

use conf::{Arity, Contexts, Error, Opt, Setting, Word, contexts, settings};
use mem::Str;
use proto::http1::Version;
use sys::log::{Level, Log, Target};

use crate::block::listen;
use crate::block::settings::{Alias, Lingering, Tokens};
use crate::block::types::Types;
use crate::body::kept::{Folder, InFile};
use crate::response::compression::Proxied;
use crate::response::error_page;
use crate::response::rate;
use crate::route::listen::Listen;
use crate::route::location::MatchKind;
use crate::route::server_name;
use crate::trace::{self, TraceConf};

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);
const WEB_IF: Contexts = contexts!(HTTP | SERVER | LOCATION | LIF);
const SERVERS: Contexts = contexts!(HTTP | SERVER);
const ONE: Arity = Arity::Exactly(1);
const SOME: Arity = Arity::AtLeast(1);

// `server` and `location` are blocks of their own (see `block/mod.rs`).
settings! {
    /// What the core's directives set in one block.
    #[derive(Clone, Default)]
    pub struct CoreConf {
        here listen: Vec<Listen> = (
            Contexts::SERVER, SOME, set_listen, "(8000, or 80 as root)",
            "an address, port, FROM-TO ports or unix:path to accept connections on, and its options"
        );
        here server_name: Vec<server_name::Written> = (
            Contexts::SERVER, SOME, set_server_name, "\"\"",
            "names of the server: exact, *.wildcard, wildcard.*, .both, ~regex"
        );
        here root: (Word, bool) = (WEB_IF, ONE, set_root, "html", "directory in which URIs are files");
        here alias: Alias = (
            Contexts::LOCATION, ONE, set_root, "",
            "what replaces the location's prefix in a file's path"
        );
        option internal: bool = (
            Contexts::LOCATION, Arity::Exactly(0), |_: &Setting<'_>| Ok(true), "",
            "only for requests redirected inside the server; 404 for others"
        );
        block types: Rc<Types> = (
            WEB, Arity::Exactly(0), set_types, "text/html html; image/gif gif; image/jpeg jpg",
            "media types of file extensions"
        );
        value default_type: Str = (
            WEB, ONE, |s: &Setting<'_>| Ok(text(s.arg(0))), "text/plain",
            "media type of all other files"
        );
        size client_max_body_size = (WEB, "1m", "longest request body, 413 above; 0: any");
        size client_body_buffer_size = (WEB, "16k", "so much of a body that is kept stays in memory");
        value client_body_in_file_only: InFile = (
            WEB, ONE, |s: &Setting<'_>| s.choice(0, IN_FILE), "off",
            "keep request bodies in files that have names: on, clean (they go with the request), off"
        );
        option client_body_temp_path: Folder = (
            WEB, Arity::Between(1, 4), folder, "client_body_temp",
            "directory of files with request bodies; numbers: digits of the names of directories in it"
        );
        flag log_subrequest = (WEB, "off", "write lines for subrequests to the access log");
        time client_body_timeout = (WEB, "60s", "between two reads of a request's body");
        value keepalive_timeout: (u64, Option<u64>) = (
            WEB, Arity::Between(1, 2), keepalive_timeout, "75s",
            "how long an idle connection stays open; second: the Keep-Alive header"
        );
        number keepalive_requests = (WEB, "1000", "requests on one connection");
        time keepalive_time = (WEB, "1h", "age at which a connection serves its last request");
        time keepalive_min_timeout = (
            WEB, "5s",
            "quiet time that idle connections get before a draining worker closes them"
        );
        option limit_rate: Word = (
            WEB_IF, ONE, rate_word, "0",
            "bytes of an answer in a second, for each connection; variables may stand in it; 0: as fast as it goes"
        );
        option limit_rate_after: Word = (
            WEB_IF, ONE, rate_word, "0", "so many bytes of an answer go out before limit_rate counts"
        );
        flag gzip = (WEB_IF, "off", "compress answers, event streams too, for clients that accept it");
        value gzip_comp_level: u64 = (
            WEB, ONE, |s: &Setting<'_>| s.number_in(0, 1..=9), "1", "how hard to compress, 1 to 9"
        );
        flag gzip_vary = (WEB, "off", "tell caches that the answer depends on Accept-Encoding");
        value gzip_http_version: Version = (
            WEB, ONE, |s: &Setting<'_>| s.choice(0, &[("1.0", Version::V10), ("1.1", Version::V11)]), "1.1",
            "the lowest version of HTTP that a client must speak to get compressed answers: 1.0 or 1.1"
        );
        value gzip_proxied: Proxied = (
            WEB, SOME, Proxied::parse, "off",
            "which answers to proxies (Via) are compressed: off, expired, no-cache, no-store, private, no_last_modified, no_etag, auth, any"
        );
        lists gzip_disable: Word = (
            WEB, SOME, words, "",
            "clients whose User-Agent one of these expressions matches get no compressed answers; msie6 is one"
        );
        time send_timeout = (WEB, "60s", "between two writes of an answer");
        value lingering_close: Lingering = (
            WEB, ONE, |s: &Setting<'_>| s.choice(0, LINGERING), "on",
            "before closing, wait for a client that may still be sending"
        );
        time lingering_time = (WEB, "30s", "at most, in all");
        time lingering_timeout = (WEB, "5s", "at most, for the next bytes");
        flag reset_timedout_connection = (WEB, "off", "reset connections that timed out");
        flag chunked_transfer_encoding = (
            WEB, "on",
            "answers whose length is not known go out in chunks; else the connection's end is theirs"
        );
        flag sendfile = (WEB_IF, "off", "send files from the kernel's cache without copying them");
        size sendfile_max_chunk = (WEB, "2m", "so much of a file before others get their turn");
        value aio: bool = (
            WEB, ONE, aio, "off",
            "threads: files are read and sent by other threads, a cold disk stops nobody"
        );
        value output_buffers: (u64, u64) = (
            WEB, Arity::Exactly(2), buffers, "2 32k",
            "size of the buffer (second argument) that a file is read into without sendfile"
        );
        value server_tokens: (Tokens, Option<Word>) = (
            WEB, ONE, tokens, "on",
            "show the version in the Server header and on error pages: on, off, build (as on); or a text, with variables; an empty one: no such header"
        );
        flag msie_padding = (WEB, "on", "make pages of errors long enough for browsers that hide short ones");
        flag msie_refresh = (WEB, "off", "redirect Internet Explorer by pages");
        list error_page: error_page::Written = (
            WEB_IF, Arity::AtLeast(2), error_page::error_page, "(none)",
            "what to answer for these statuses: CODE… [=[CODE]] URI"
        );
        flag recursive_error_pages = (WEB, "off", "an error page's own error may have a page");
        flag log_not_found = (WEB, "on", "write missing files to the error log");
        flag absolute_redirect = (WEB, "on", "redirects carry scheme and host");
        flag port_in_redirect = (WEB, "on", "redirects carry the port");
        flag server_name_in_redirect = (WEB, "off", "redirects carry the server's first name");
        value satisfy: bool = (
            WEB, ONE, |s: &Setting<'_>| s.choice(0, &[("all", false), ("any", true)]), "all",
            "whether all access modules must let in, or any"
        );
        time auth_delay = (
            WEB, "0s", "wait so long before a client is told that it is not let in (401), so that passwords are not tried fast"
        );
        here error_log: Vec<(Target, Level)> = (
            WEB, SOME, set_error_log, "(the main context's)",
            "where errors are written (a file or stderr), and from which level on"
        );
        time client_header_timeout = (SERVERS, "60s", "a request's whole head must arrive in this time");
        size client_header_buffer_size = (SERVERS, "1k", "first buffer for a head that trickles in");
        value large_client_header_buffers: (u64, u64) = (
            SERVERS, Arity::Exactly(2), buffers, "4 8k",
            "number and size: a line fits into one, a head into all"
        );
        number max_headers = (SERVERS, "1000", "header fields of a request");
        flag ignore_invalid_headers = (SERVERS, "on", "drop header fields with odd names");
        flag underscores_in_headers = (SERVERS, "off", "names with _ are not odd");
        flag merge_slashes = (SERVERS, "on", "several slashes in a URI are one");
        flag tcp_nodelay = (WEB, "on", "send short segments at once");
        flag tcp_nopush = (
            WEB, "off", "no effect: an answer's head and file always share segments (MSG_MORE)"
        );
        flag http2 = (
            SERVERS, "off",
            "speak HTTP/2, too: with clients that choose it in the TLS handshake; on plain ports, with those that begin with its preface"
        );
        value http2_max_concurrent_streams: u64 = (
            SERVERS, ONE, |s: &Setting<'_>| s.number_in(0, 1..=MOST_STREAMS), "128",
            "streams that a client may have open on one connection of HTTP/2"
        );
        size http2_chunk_size = (WEB, "8k", "longest DATA frame of HTTP/2, so that other streams get their turn");
        value http2_body_preread_size: u64 = (
            SERVERS, ONE, window, "64k",
            "so much of a request's body comes on a stream of HTTP/2 before somebody reads it"
        );
        flag uninitialized_variable_warn = (
            contexts!(HTTP | SERVER | SIF | LOCATION | LIF), "on",
            "write to the error log that a variable is used which was not set"
        );
        option event_trace: TraceConf = (
            Contexts::HTTP, SOME, trace::parse, "off",
            "file to which the life of connections (from these networks) is written, line by line"
        );
    }
    with {
        /// Those of the block's `error_log`s, opened, or of the block around it.
        pub(crate) error_logs: Opt<Vec<Arc<Log>>>,
    }
}

const LINGERING: &[(&str, Lingering)] =
    &[("off", Lingering::Off), ("on", Lingering::On), ("always", Lingering::Always)];
const TOKENS: &[(&str, Tokens)] =
    &[("on", Tokens::On), ("off", Tokens::Off), ("build", Tokens::On)];

const IN_FILE: &[(&str, InFile)] =
    &[("off", InFile::Off), ("on", InFile::On), ("clean", InFile::Clean)];

/// A directory and up to three levels, whose digits are those of ten.
fn folder(setting: &Setting<'_>) -> Result<Folder, Error> {
    let mut levels = Vec::new();
    for at in 1..setting.args().len() {
        let invalid = |_| setting.error_at(at, format!("invalid value \"{}\"", setting.arg(at)));
        levels.push(setting.number_in(at, 1..=3).map_err(invalid)? as usize);
    }
    Ok(Folder { path: setting.path(0), levels })
}

fn tokens(setting: &Setting<'_>) -> Result<(Tokens, Option<Word>), Error> {
    match setting.choice(0, TOKENS) {
        Ok(tokens) => Ok((tokens, None)),
        Err(_) => Ok((Tokens::On, Some(setting.args()[0].clone()))),
    }
}

fn set_listen(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    listen::parse(setting)?.into_iter().for_each(|listen| conf.listen.push(listen));
    Ok(())
}

fn set_server_name(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    server_name::parse(setting)?.into_iter().for_each(|name| conf.server_name.push(name));
    Ok(())
}

fn words(setting: &Setting<'_>) -> Result<Vec<Word>, Error> {
    Ok(setting.args().to_vec())
}

fn rate_word(setting: &Setting<'_>) -> Result<Word, Error> {
    rate::check(setting)?;
    Ok(setting.args()[0].clone())
}

/// What a stream costs without doing anything is then bounded.
const MOST_STREAMS: u64 = 100_000;
/// RFC 9113 §6.9.1
const LARGEST_WINDOW: u64 = (1 << 31) - 1;

/// The window of a stream (RFC 9113 §6.9).
fn window(setting: &Setting<'_>) -> Result<u64, Error> {
    match setting.size(0)? {
        size if size > LARGEST_WINDOW => {
            Err(setting.error("the maximum body preread buffer size is 2147483647"))
        }
        size => Ok(size),
    }
}

/// A number and a size of buffers, of which there is one at least.
fn buffers(setting: &Setting<'_>) -> Result<(u64, u64), Error> {
    match (setting.number(0)?, setting.size(1)?) {
        (0, _) => Err(setting.invalid(0, "value")),
        (_, 0) => Err(setting.invalid(1, "value")),
        both => Ok(both),
    }
}

fn text(text: &str) -> Str {
    Str::copy(&conf::text::bytes(text))
}

fn set_root(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    let alias = setting.name() == "alias";
    let word = &setting.args()[0];
    if let Some((_, before)) = conf.root.get() {
        let before = if *before { "alias" } else { "root" };
        return Err(match before == setting.name() {
            true => setting.duplicate(),
            false => setting.error(format!(
                "\"{}\" directive is duplicate, \"{before}\" directive was specified earlier",
                setting.name()
            )),
        });
    }
    for name in ["document_root", "realpath_root"] {
        if word.text.contains(&format!("${name}")) || word.text.contains(&format!("${{{name}}}")) {
            let directive = setting.name();
            let message =
                format!("the ${name} variable cannot be used in the \"{directive}\" directive");
            return Err(setting.error_at(0, message));
        }
    }
    conf.root.set_in((word.clone(), alias), setting)
}

fn set_types(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    if !conf.types.is_set() {
        conf.types.replace(Rc::new(Types::new()));
    }
    // A second block on the same level adds to the first, as in nginx.
    let types = conf.types.get_mut().and_then(Rc::get_mut);
    let types = types.ok_or_else(|| setting.error("the types are in use already"))?;
    for node in setting.block() {
        let row = Setting::new(node, setting.context(), setting.env());
        if node.block.is_some() {
            return Err(row.error("a line of types is a media type and its extensions"));
        }
        let media_type = text(&node.name.text);
        for (at, extension) in node.args.iter().enumerate() {
            if let Some(before) = types.add(&extension.text, media_type.clone()) {
                let message = format!(
                    "duplicate extension \"{extension}\", content type: \"{media_type}\", \
                     previous content type: \"{before}\""
                );
                setting.env().warnings.borrow_mut().push(row.error_at(at, message));
            }
        }
    }
    Ok(())
}

fn keepalive_timeout(setting: &Setting<'_>) -> Result<(u64, Option<u64>), Error> {
    let header = match setting.args().len() {
        2 => Some(setting.time_secs(1)?),
        _ => None,
    };
    Ok((setting.time_ms(0)?, header))
}

fn aio(setting: &Setting<'_>) -> Result<bool, Error> {
    let threads = match setting.arg(0) {
        "off" => false,
        "on" => {
            setting.warn("\"aio on\" is served as \"aio threads\"");
            true
        }
        value if value == "threads" || value.starts_with("threads=") => true,
        _ => return Err(setting.invalid(0, "value")),
    };
    Ok(threads)
}

fn set_error_log(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    conf.error_log.push(module::error_log(setting)?);
    Ok(())
}

impl CoreConf {
    /// Fills what this block left unset from the enclosing one, what the table cannot say included: `alias` is inherited
    /// as the root of nested locations.
    pub fn inherit_all(&mut self, outer: &CoreConf) {
        self.inherit(outer);
        self.error_logs.inherit(&outer.error_logs);
        if !self.root.is_set() {
            self.root.clone_from(&outer.root);
            self.alias.clone_from(&outer.alias);
        }
    }

    /// Notes what the block's own `alias`, if it has one, replaces.
    pub fn set_alias(&mut self, kind: &MatchKind, pattern: &Str) {
        if self.root.get().is_some_and(|(_, alias)| *alias) {
            self.alias.replace(match kind {
                MatchKind::Regex(_) => Alias::Whole,
                _ => Alias::Prefix(pattern.clone()),
            });
        }
    }

    /// Opens this block's own error logs.
    pub fn open_logs(&mut self, setup: &mut module::Setup<'_>) {
        for (target, level) in self.error_log.as_slice() {
            self.error_logs.push(setup.error_log(target.clone(), *level));
        }
    }
}
