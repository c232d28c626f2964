//! The directives of the HTTP core, and how a block's settings come out of them.

use std::rc::Rc;
use std::sync::Arc;

use conf::{Arity, Contexts, Directive, Error, Opt, Setting, Word, contexts};
use mem::Str;
use proto::http1::Version;
use sys::log::Log;

use crate::compression::{self, Compression, Proxied};
use crate::errors::{self, ErrorPage};
use crate::hosts::Name;
use crate::listen::{self, Listen};
use crate::location::Kind;
use crate::pace::Rate;
use crate::settings::{Alias, Lingering, Settings, Tokens};
use crate::template::{Names, Template};
use crate::trace::{self, TraceConf};
use crate::types::Types;

/// What the core's directives set in one block.
#[derive(Clone, Default)]
pub struct CoreConf {
    root: Opt<(Word, bool)>,
    /// What the block's own `alias` replaces; inherited with it.
    alias: Opt<Alias>,
    internal: Opt<bool>,
    types: Opt<Rc<Types>>,
    default_type: Opt<Str>,
    client_max_body_size: Opt<u64>,
    client_body_timeout: Opt<u64>,
    keepalive_timeout: Opt<(u64, Option<u64>)>,
    keepalive_requests: Opt<u64>,
    keepalive_time: Opt<u64>,
    keepalive_min_timeout: Opt<u64>,
    send_timeout: Opt<u64>,
    lingering_close: Opt<Lingering>,
    lingering_time: Opt<u64>,
    lingering_timeout: Opt<u64>,
    reset_timedout_connection: Opt<bool>,
    sendfile: Opt<bool>,
    chunked_transfer_encoding: Opt<bool>,
    sendfile_max_chunk: Opt<u64>,
    aio: Opt<bool>,
    output_buffers: Opt<u64>,
    server_tokens: Opt<Tokens>,
    pub(crate) error_page: Opt<Vec<ErrorPage>>,
    recursive_error_pages: Opt<bool>,
    log_not_found: Opt<bool>,
    absolute_redirect: Opt<bool>,
    port_in_redirect: Opt<bool>,
    server_name_in_redirect: Opt<bool>,
    satisfy: Opt<bool>,
    limit_rate: Opt<Word>,
    limit_rate_after: Opt<Word>,
    gzip: Opt<bool>,
    gzip_comp_level: Opt<u64>,
    gzip_vary: Opt<bool>,
    gzip_http_version: Opt<Version>,
    gzip_proxied: Opt<Proxied>,
    gzip_disable: Opt<Vec<Word>>,
    error_log: Opt<Vec<(sys::log::Target, sys::log::Level)>>,
    error_logs: Opt<Vec<Arc<Log>>>,
    client_header_timeout: Opt<u64>,
    client_header_buffer_size: Opt<u64>,
    large_client_header_buffers: Opt<(u64, u64)>,
    max_headers: Opt<u64>,
    ignore_invalid_headers: Opt<bool>,
    underscores_in_headers: Opt<bool>,
    merge_slashes: Opt<bool>,
    tcp_nodelay: Opt<bool>,
    tcp_nopush: Opt<bool>,
    pub(crate) event_trace: Opt<TraceConf>,
    /// Only a server's own.
    pub(crate) listen: Opt<Vec<Listen>>,
    /// Only a server's own.
    pub(crate) server_name: Opt<Vec<(Name, Word)>>,
}

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);
const WEB_IF: Contexts = contexts!(HTTP | SERVER | LOCATION | LIF);
const SERVERS: Contexts = contexts!(HTTP | SERVER);

macro_rules! flag {
    ($name:ident, $contexts:expr, $default:literal, $help:literal) => {
        Directive::new(
            stringify!($name),
            $contexts,
            Arity::Flag,
            |c, s| c.$name.set_in(s.flag()?, s),
            $default,
            $help,
        )
    };
}
macro_rules! time {
    ($name:ident, $contexts:expr, $default:literal, $help:literal) => {
        Directive::new(
            stringify!($name),
            $contexts,
            Arity::Exactly(1),
            |c, s| c.$name.set_in(s.time_ms(0)?, s),
            $default,
            $help,
        )
    };
}
macro_rules! size {
    ($name:ident, $contexts:expr, $default:literal, $help:literal) => {
        Directive::new(
            stringify!($name),
            $contexts,
            Arity::Exactly(1),
            |c, s| c.$name.set_in(s.size(0)?, s),
            $default,
            $help,
        )
    };
}
macro_rules! number {
    ($name:ident, $contexts:expr, $default:literal, $help:literal) => {
        Directive::new(
            stringify!($name),
            $contexts,
            Arity::Exactly(1),
            |c, s| c.$name.set_in(s.number(0)?, s),
            $default,
            $help,
        )
    };
}
const ONE: Arity = Arity::Exactly(1);

/// The rows of the HTTP core. `server` and `location` are blocks of their own (see `block.rs`).
pub static DIRECTIVES: &[Directive<CoreConf>] = &[
    Directive::new(
        "listen",
        Contexts::SERVER,
        Arity::AtLeast(1),
        |c, s| {
            listen::parse(s)?.into_iter().for_each(|listen| c.listen.push(listen));
            Ok(())
        },
        "8000, or 80 as root",
        "an address, port, FROM-TO ports or unix:path to accept connections on, and its options",
    ),
    Directive::new(
        "server_name",
        Contexts::SERVER,
        Arity::AtLeast(1),
        set_server_name,
        "\"\"",
        "names of the server: exact, *.wildcard, wildcard.*, .both, ~regex",
    ),
    Directive::new("root", WEB_IF, ONE, set_root, "html", "directory in which URIs are files"),
    Directive::new(
        "alias",
        Contexts::LOCATION,
        ONE,
        set_root,
        "",
        "what replaces the location's prefix in a file's path",
    ),
    Directive::new(
        "internal",
        Contexts::LOCATION,
        Arity::Exactly(0),
        |c, s| c.internal.set_in(true, s),
        "",
        "only for requests redirected inside the server; 404 for others",
    ),
    Directive::new(
        "types",
        WEB,
        Arity::Exactly(0),
        set_types,
        "text/html html; image/gif gif; image/jpeg jpg",
        "media types of file extensions",
    )
    .with_block(),
    Directive::new(
        "default_type",
        WEB,
        ONE,
        |c, s| c.default_type.set_in(text(s.arg(0)), s),
        "text/plain",
        "media type of all other files",
    ),
    size!(client_max_body_size, WEB, "1m", "longest request body, 413 above; 0: any"),
    time!(client_body_timeout, WEB, "60s", "between two reads of a request's body"),
    Directive::new(
        "keepalive_timeout",
        WEB,
        Arity::Between(1, 2),
        set_keepalive_timeout,
        "75s",
        "how long an idle connection stays open; second: the Keep-Alive header",
    ),
    number!(keepalive_requests, WEB, "1000", "requests on one connection"),
    time!(keepalive_time, WEB, "1h", "age at which a connection serves its last request"),
    time!(
        keepalive_min_timeout,
        WEB,
        "5s",
        "quiet time that idle connections get before a draining worker closes them"
    ),
    Directive::new(
        "limit_rate",
        WEB_IF,
        ONE,
        |c, s| Rate::check(s).and_then(|()| c.limit_rate.set_in(s.args()[0].clone(), s)),
        "0",
        "bytes of an answer in a second, for each connection; variables may stand in it; 0: as fast as it goes",
    ),
    Directive::new(
        "limit_rate_after",
        WEB_IF,
        ONE,
        |c, s| Rate::check(s).and_then(|()| c.limit_rate_after.set_in(s.args()[0].clone(), s)),
        "0",
        "so many bytes of an answer go out before limit_rate counts",
    ),
    flag!(gzip, WEB_IF, "off", "compress answers, event streams too, for clients that accept it"),
    Directive::new(
        "gzip_comp_level",
        WEB,
        ONE,
        |c, s| c.gzip_comp_level.set_in(s.number_in(0, 1..=9)?, s),
        "1",
        "how hard to compress, 1 to 9",
    ),
    flag!(gzip_vary, WEB, "off", "tell caches that the answer depends on Accept-Encoding"),
    Directive::new(
        "gzip_http_version",
        WEB,
        ONE,
        |c, s| {
            let version = s.choice(0, &[("1.0", Version::V10), ("1.1", Version::V11)])?;
            c.gzip_http_version.set_in(version, s)
        },
        "1.1",
        "the lowest version of HTTP that a client must speak to get compressed answers: 1.0 or 1.1",
    ),
    Directive::new(
        "gzip_proxied",
        WEB,
        Arity::AtLeast(1),
        |c, s| c.gzip_proxied.set_in(Proxied::parse(s)?, s),
        "off",
        "which answers to proxies (Via) are compressed: off, expired, no-cache, no-store, private, no_last_modified, no_etag, auth, any",
    ),
    Directive::new(
        "gzip_disable",
        WEB,
        Arity::AtLeast(1),
        |c, s| {
            s.args().iter().for_each(|word| c.gzip_disable.push(word.clone()));
            Ok(())
        },
        "",
        "clients whose User-Agent one of these expressions matches get no compressed answers; msie6 is one",
    ),
    time!(send_timeout, WEB, "60s", "between two writes of an answer"),
    Directive::new(
        "lingering_close",
        WEB,
        ONE,
        |c, s| {
            c.lingering_close.set_in(
                s.choice(
                    0,
                    &[
                        ("off", Lingering::Off),
                        ("on", Lingering::On),
                        ("always", Lingering::Always),
                    ],
                )?,
                s,
            )
        },
        "on",
        "before closing, wait for a client that may still be sending",
    ),
    time!(lingering_time, WEB, "30s", "at most, in all"),
    time!(lingering_timeout, WEB, "5s", "at most, for the next bytes"),
    flag!(reset_timedout_connection, WEB, "off", "reset connections that timed out"),
    flag!(
        chunked_transfer_encoding,
        WEB,
        "on",
        "answers whose length is not known go out in chunks; else the connection's end is theirs"
    ),
    flag!(sendfile, WEB_IF, "off", "send files from the kernel's cache without copying them"),
    size!(sendfile_max_chunk, WEB, "2m", "so much of a file before others get their turn"),
    Directive::new(
        "aio",
        WEB,
        ONE,
        set_aio,
        "off",
        "threads: files are read and sent by other threads, a cold disk stops nobody",
    ),
    Directive::new(
        "output_buffers",
        WEB,
        Arity::Exactly(2),
        |c, s| c.output_buffers.set_in(buffers(s)?.1, s),
        "2 32k",
        "size of the buffer (second argument) that a file is read into without sendfile",
    ),
    Directive::new(
        "server_tokens",
        WEB,
        ONE,
        |c, s| {
            c.server_tokens.set_in(
                s.choice(0, &[("on", Tokens::On), ("off", Tokens::Off), ("build", Tokens::On)])?,
                s,
            )
        },
        "on",
        "show the version in the Server header and on error pages",
    ),
    Directive::new(
        "error_page",
        WEB_IF,
        Arity::AtLeast(2),
        errors::set_error_page,
        "none",
        "what to answer for these statuses: CODE… [=[CODE]] URI",
    ),
    flag!(recursive_error_pages, WEB, "off", "an error page's own error may have a page"),
    flag!(log_not_found, WEB, "on", "write missing files to the error log"),
    flag!(absolute_redirect, WEB, "on", "redirects carry scheme and host"),
    flag!(port_in_redirect, WEB, "on", "redirects carry the port"),
    flag!(server_name_in_redirect, WEB, "off", "redirects carry the server's first name"),
    Directive::new(
        "satisfy",
        WEB,
        ONE,
        |c, s| c.satisfy.set_in(s.choice(0, &[("all", false), ("any", true)])?, s),
        "all",
        "whether all access modules must let in, or any",
    ),
    Directive::new(
        "error_log",
        WEB,
        Arity::AtLeast(1),
        set_error_log,
        "the main context's",
        "where errors are written (a file or stderr), and from which level on",
    ),
    time!(client_header_timeout, SERVERS, "60s", "a request's whole head must arrive in this time"),
    size!(client_header_buffer_size, SERVERS, "1k", "first buffer for a head that trickles in"),
    Directive::new(
        "large_client_header_buffers",
        SERVERS,
        Arity::Exactly(2),
        |c, s| c.large_client_header_buffers.set_in(buffers(s)?, s),
        "4 8k",
        "number and size: a line fits into one, a head into all",
    ),
    number!(max_headers, SERVERS, "1000", "header fields of a request"),
    flag!(ignore_invalid_headers, SERVERS, "on", "drop header fields with odd names"),
    flag!(underscores_in_headers, SERVERS, "off", "names with _ are not odd"),
    flag!(merge_slashes, SERVERS, "on", "several slashes in a URI are one"),
    flag!(tcp_nodelay, WEB, "on", "send short segments at once"),
    flag!(
        tcp_nopush,
        WEB,
        "off",
        "no effect: an answer's head and file always share segments (MSG_MORE)"
    ),
    Directive::new(
        "event_trace",
        Contexts::HTTP,
        Arity::AtLeast(1),
        |c, s| c.event_trace.set_in(trace::parse(s)?, s),
        "off",
        "file to which the life of connections (from these networks) is written, line by line",
    ),
];

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

fn set_server_name(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    for (at, word) in setting.args().iter().enumerate() {
        let name = match word.text.as_str() {
            "$hostname" => sys::process::hostname(),
            text => text.to_owned(),
        };
        let name = Name::parse(&name).map_err(|message| setting.error_at(at, message))?;
        if word.text.contains('/') && !matches!(name, Name::Regex(_)) {
            let message = format!("server name \"{word}\" has suspicious symbols");
            setting.env().warnings.borrow_mut().push(setting.error_at(at, message));
        }
        conf.server_name.push((name, word.clone()));
    }
    Ok(())
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

fn set_keepalive_timeout(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    let header = match setting.args().len() {
        2 => Some(setting.time_secs(1)?),
        _ => None,
    };
    conf.keepalive_timeout.set_in((setting.time_ms(0)?, header), setting)
}

fn set_aio(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    let threads = match setting.arg(0) {
        "off" => false,
        "on" => {
            setting.warn("\"aio on\" is served as \"aio threads\"");
            true
        }
        value if value == "threads" || value.starts_with("threads=") => true,
        _ => return Err(setting.invalid(0, "value")),
    };
    conf.aio.set_in(threads, setting)
}

fn set_error_log(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    conf.error_log.push(module::error_log(setting)?);
    Ok(())
}

macro_rules! each_field {
    ($apply:ident) => {
        $apply!(
            internal types default_type client_max_body_size client_body_timeout
            keepalive_timeout keepalive_requests keepalive_time keepalive_min_timeout send_timeout
            lingering_close lingering_time lingering_timeout reset_timedout_connection sendfile
            chunked_transfer_encoding
            sendfile_max_chunk aio output_buffers server_tokens error_page recursive_error_pages
            log_not_found absolute_redirect port_in_redirect server_name_in_redirect satisfy
            limit_rate limit_rate_after gzip gzip_comp_level gzip_vary gzip_http_version gzip_proxied gzip_disable
            error_logs client_header_timeout client_header_buffer_size
            large_client_header_buffers max_headers ignore_invalid_headers underscores_in_headers
            merge_slashes tcp_nodelay tcp_nopush event_trace
        )
    };
}

impl CoreConf {
    /// Fills what this block left unset from the enclosing one. `listen` and
    /// `server_name` are a block's own; `alias` is inherited as the root of nested locations.
    pub fn inherit(&mut self, outer: &CoreConf) {
        macro_rules! inherit {
            ($($field:ident)*) => { $(self.$field.inherit(&outer.$field);)* };
        }
        each_field!(inherit);
        if !self.root.is_set() {
            self.root.clone_from(&outer.root);
            self.alias.clone_from(&outer.alias);
        }
    }

    /// Notes what the block's own `alias`, if it has one, replaces.
    pub fn set_alias(&mut self, kind: &Kind, pattern: &Str) {
        if self.root.get().is_some_and(|(_, alias)| *alias) {
            self.alias.replace(match kind {
                Kind::Regex(_) => Alias::Whole,
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

    /// The settings, once everything is inherited.
    pub fn settings(&self, names: &Names, env: &conf::Env<'_>) -> Result<Settings, Error> {
        let (root, root_relative) = self.root(names, env)?;
        let (keepalive_timeout, keepalive_header) =
            self.keepalive_timeout.or_default((75_000, None));
        let (buffers, buffer) = self.large_client_header_buffers.or_default((4, 8 << 10));
        let first = self.client_header_buffer_size.or_default(1024);
        let trace = self.event_trace.get().and_then(|conf| conf.trace());
        let mut pages = Vec::new();
        for page in self.error_page.as_slice() {
            pages.push(page.compile(names, env)?);
        }
        Ok(Settings {
            root,
            alias: self.alias.get().cloned(),
            root_relative,
            prefix: Str::copy(sys::file::bytes(env.prefix)),
            internal: self.internal.or_default(false),
            types: self.types.or_default(Rc::default()),
            default_type: self.default_type.or_default(Str::from("text/plain")),
            client_max_body_size: self.client_max_body_size.or_default(1 << 20),
            client_max_body_size_is_set: self.client_max_body_size.is_set(),
            client_body_timeout: self.client_body_timeout.or_default(60_000),
            keepalive_timeout,
            keepalive_header,
            keepalive_requests: self.keepalive_requests.or_default(1000),
            keepalive_time: self.keepalive_time.or_default(3_600_000),
            keepalive_min_timeout: self.keepalive_min_timeout.or_default(5000),
            send_timeout: self.send_timeout.or_default(60_000),
            lingering_close: self.lingering_close.or_default(Lingering::On),
            lingering_time: self.lingering_time.or_default(30_000),
            lingering_timeout: self.lingering_timeout.or_default(5000),
            reset_timedout_connection: self.reset_timedout_connection.or_default(false),
            sendfile: self.sendfile.or_default(false),
            chunked_transfer_encoding: self.chunked_transfer_encoding.or_default(true),
            sendfile_max_chunk: match self.sendfile_max_chunk.or_default(2 << 20) {
                0 => u64::MAX,
                limit => limit,
            },
            aio_threads: self.aio.or_default(false),
            output_buffer: self.output_buffers.or_default(32 << 10).clamp(4096, 1 << 20),
            tokens: self.server_tokens.or_default(Tokens::On),
            error_pages: pages.into(),
            recursive_error_pages: self.recursive_error_pages.or_default(false),
            log_not_found: self.log_not_found.or_default(true),
            absolute_redirect: self.absolute_redirect.or_default(true),
            port_in_redirect: self.port_in_redirect.or_default(true),
            server_name_in_redirect: self.server_name_in_redirect.or_default(false),
            satisfy_any: self.satisfy.or_default(false),
            rate: Rate::compile(self.limit_rate.get(), names, env)?,
            rate_after: Rate::compile(self.limit_rate_after.get(), names, env)?,
            gzip: self.gzip.or_default(false),
            gzip_comp_level: self.gzip_comp_level.or_default(1) as u32,
            compression: Compression {
                vary: self.gzip_vary.or_default(false),
                version: self.gzip_http_version.or_default(Version::V11),
                proxied: self.gzip_proxied.or_default(Proxied::default()),
                disable: compression::disable(self.gzip_disable.as_slice(), env)?,
            },
            error_logs: self.error_logs.as_slice().to_vec(),
            limits: proto::http1::Limits {
                line: buffer as usize,
                headers: self.max_headers.or_default(1000) as usize,
                total: (buffers * buffer + first) as usize,
                underscores: self.underscores_in_headers.or_default(false),
                ignore_invalid: self.ignore_invalid_headers.or_default(true),
            },
            client_header_timeout: self.client_header_timeout.or_default(60_000),
            client_header_buffer_size: first,
            merge_slashes: self.merge_slashes.or_default(true),
            tcp_nodelay: self.tcp_nodelay.or_default(true),
            trace,
        })
    }

    /// The compiled root, and whether it is relative until evaluated.
    fn root(&self, names: &Names, env: &conf::Env<'_>) -> Result<(Template, bool), Error> {
        let absolute = |text: &str| {
            let path = env.prefix.join(conf::text::path(text));
            conf::text::decode(sys::file::bytes(&path))
        };
        let Some((word, _)) = self.root.get() else {
            return Ok((Template::literal(&absolute("html")), false));
        };
        let compile = |text: &str| {
            Template::compile(text, names)
                .map_err(|message| Error::at(message, word.span, env.files))
        };
        match word.text.starts_with('$') {
            true => Ok((compile(&word.text)?, true)),
            false => Ok((compile(&absolute(&word.text))?, false)),
        }
    }
}

impl Default for Settings {
    /// What an empty configuration means.
    fn default() -> Settings {
        let files = conf::Files::default();
        let env = conf::Env::new(&files, "".as_ref(), "".as_ref());
        let settings = CoreConf::default().settings(&Names::default(), &env);
        settings.expect("the defaults have no variables in them")
    }
}
