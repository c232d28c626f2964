//! How a location's settings come out of its directives and those of the blocks around it.

use std::rc::Rc;

use conf::{Error, Word};
use mem::Str;
use proto::http1::HeadLimits;

use crate::block::directives::CoreConf;
use crate::block::settings::{Http2, Settings, Words};
use crate::body::kept::Folder;
use crate::response::compression::{self, Compression};
use crate::response::rate::Rate;
use crate::vars::names::Names;
use crate::vars::scope::Scope;
use crate::vars::template::Template;

impl CoreConf {
    /// The settings, once everything is inherited.
    pub fn settings(&self, env: &conf::Env<'_>) -> Result<Settings, Error> {
        let (keepalive_timeout, keepalive_header) = self.keepalive_timeout();
        let trace = self.event_trace.get().and_then(|conf| conf.trace());
        Ok(Settings {
            alias: self.alias.get().cloned(),
            prefix: Str::copy(sys::file::bytes(env.prefix)),
            internal: self.internal.or_default(false),
            types: self.types.or_default(Rc::default()),
            default_type: self.default_type(),
            client_max_body_size: self.client_max_body_size(),
            client_max_body_size_is_set: self.client_max_body_size.is_set(),
            body_in_file: self.client_body_in_file_only(),
            body_folder: self.client_body_temp_path.get().cloned().unwrap_or_else(|| Folder {
                path: env.prefix.join("client_body_temp"),
                levels: Vec::new(),
            }),
            log_subrequest: self.log_subrequest(),
            client_body_timeout: self.client_body_timeout(),
            client_body_buffer_size: self.client_body_buffer_size(),
            keepalive_timeout,
            keepalive_header,
            keepalive_requests: self.keepalive_requests(),
            keepalive_time: self.keepalive_time(),
            keepalive_min_timeout: self.keepalive_min_timeout(),
            send_timeout: self.send_timeout(),
            lingering_close: self.lingering_close(),
            lingering_time: self.lingering_time(),
            lingering_timeout: self.lingering_timeout(),
            reset_timedout_connection: self.reset_timedout_connection(),
            sendfile: self.sendfile(),
            chunked_transfer_encoding: self.chunked_transfer_encoding(),
            sendfile_max_chunk: match self.sendfile_max_chunk() {
                0 => u64::MAX,
                limit => limit,
            },
            aio_threads: self.aio(),
            output_buffer: self.output_buffers().1.clamp(4096, 1 << 20),
            tokens: self.server_tokens().0,
            msie_padding: self.msie_padding(),
            msie_refresh: self.msie_refresh(),
            recursive_error_pages: self.recursive_error_pages(),
            log_not_found: self.log_not_found(),
            absolute_redirect: self.absolute_redirect(),
            port_in_redirect: self.port_in_redirect(),
            server_name_in_redirect: self.server_name_in_redirect(),
            satisfy_any: self.satisfy(),
            auth_delay: self.auth_delay(),
            gzip: self.gzip(),
            gzip_comp_level: self.gzip_comp_level() as u32,
            compression: Compression {
                vary: self.gzip_vary(),
                version: self.gzip_http_version(),
                proxied: self.gzip_proxied(),
                disable: compression::disable(self.gzip_disable.as_slice(), env)?,
            },
            error_logs: self.error_logs.as_slice().to_vec(),
            uninitialized_variable_warn: self.uninitialized_variable_warn(),
            limits: self.limits(),
            client_header_timeout: self.client_header_timeout(),
            client_header_buffer_size: self.client_header_buffer_size(),
            merge_slashes: self.merge_slashes(),
            tcp_nodelay: self.tcp_nodelay(),
            http2: self.http_2(),
            trace,
        })
    }

    fn http_2(&self) -> Http2 {
        Http2 {
            on: self.http2(),
            streams: self.http2_max_concurrent_streams() as u32,
            window: self.http2_body_preread_size() as u32,
            // A frame's length is that of its peer's SETTINGS_MAX_FRAME_SIZE at least: 16k.
            chunk: self.http2_chunk_size().clamp(1, 16 << 10) as usize,
        }
    }

    /// What may have variables in it.
    pub fn words<R: Scope>(
        &self,
        names: &Names<R>,
        env: &conf::Env<'_>,
    ) -> Result<Words<R>, Error> {
        let (root, root_relative) = self.root(names, env)?;
        let pages = self.error_page.as_slice().iter().map(|page| page.compile(names, env));
        let compile = |word: &Word| {
            let compiled = Template::compile(&word.text, names);
            compiled.map_err(|why| Error::at(why, word.span, env.files))
        };
        Ok(Words {
            name: self.server_tokens().1.as_ref().map(compile).transpose()?,
            root,
            root_relative,
            error_pages: pages.collect::<Result<_, _>>()?,
            rate: Rate::compile(self.limit_rate.get(), names, env)?,
            rate_after: Rate::compile(self.limit_rate_after.get(), names, env)?,
        })
    }

    /// Limits of a request's head.
    fn limits(&self) -> HeadLimits {
        let (buffers, buffer) = self.large_client_header_buffers();
        HeadLimits {
            line: buffer as usize,
            headers: self.max_headers() as usize,
            total: (buffers * buffer + self.client_header_buffer_size()) as usize,
            underscores: self.underscores_in_headers(),
            ignore_invalid: self.ignore_invalid_headers(),
        }
    }

    /// The compiled root, and whether it is relative until evaluated.
    fn root<R: Scope>(
        &self,
        names: &Names<R>,
        env: &conf::Env<'_>,
    ) -> Result<(Template<R>, bool), Error> {
        let absolute = |text: &str| {
            let path = env.prefix.join(conf::text::path(text));
            conf::text::decode(sys::file::bytes(&path))
        };
        let Some((word, is_alias)) = self.root.get() else {
            return Ok((Template::literal(&absolute("html")), false));
        };
        let compile = |text: &str| {
            Template::compile(text, names)
                .map_err(|message| Error::at(message, word.span, env.files))
        };
        // As nginx: a root has no slash at its end, an alias has it if it is written.
        let text = match word.text.strip_suffix('/') {
            Some(text) if !is_alias => text,
            _ => &word.text,
        };
        match text.starts_with('$') {
            true => Ok((compile(text)?, true)),
            false => Ok((compile(&absolute(text))?, false)),
        }
    }
}

impl Default for Settings {
    /// What an empty configuration means.
    fn default() -> Settings {
        let files = conf::Files::default();
        let env = conf::Env::new(&files, "".as_ref(), "".as_ref());
        let settings = CoreConf::default().settings(&env);
        settings.expect("the defaults have no variables in them")
    }
}
