//! The directives that the modules of the family have in common, each with the module's name before it.

/// Declares the settings of a module of the family: the common ones, and its own.
#[macro_export]
macro_rules! family_settings {
    (
        $prefix:literal, $family:literal;
        $(#[$meta:meta])*
        $vis:vis struct $conf:ident { $($own:tt)* }
    ) => {
        conf::settings! {
            prefix $prefix;
            $(#[$meta])*
            $vis struct $conf {
                time connect_timeout = ($crate::WEB, "60s", "until a connection to a peer is there; 504 if it is not");
                time send_timeout = ($crate::WEB, "60s", "between two writes of a request; 504 if it is not taken");
                time read_timeout = ($crate::WEB, "60s", "between two reads of an answer; 504 if nothing comes");
                size buffer_size = ($crate::WEB, "4k", "the longest head of an answer; 502 above");
                flag buffering = (
                    $crate::WEB, "on",
                    "read answers ahead of slow clients, into memory and a file, so that the peer is free early"
                );
                value buffers: $crate::Buffers = (
                    $crate::WEB, conf::Arity::Exactly(2), $crate::buffers, "8 4k",
                    "so much of an answer is ahead in memory: NUMBER SIZE"
                );
                size busy_buffers_size = (
                    $crate::WEB, "8k", "checked against the other sizes; what is being sent is not limited by it"
                );
                size max_temp_file_size = (
                    $crate::WEB, "1g", "so much of an answer is ahead in a file beside; 0: nothing"
                );
                size temp_file_write_size = ($crate::WEB, "8k", "checked against the other sizes; all that is ahead is written at once");
                option temp_path: std::path::PathBuf = (
                    $crate::WEB, conf::Arity::Between(1, 4), $crate::temp_path, concat!($prefix, "temp"),
                    "directory of these files, which have no names there"
                );
                flag request_buffering = (
                    $crate::WEB, "on",
                    "read requests before a peer is asked; off: as they come, and no other peer is asked once some has gone"
                );
                value next_upstream: $crate::Next = (
                    $crate::WEB, conf::Arity::AtLeast(1), |s: &conf::Setting<'_>| $crate::Next::read(s, $family), "error timeout",
                    "when another peer is asked: error, timeout, invalid_header, http_500 … http_429, non_idempotent, off"
                );
                number next_upstream_tries = ($crate::WEB, "0", "so many peers are asked at most; 0: all");
                time next_upstream_timeout = ($crate::WEB, "0", "no other peer is asked later; 0: at any time");
                flag ignore_client_abort = (
                    $crate::WEB, "off", "go on with a request whose client has closed its side; else it is given up, with 499"
                );
                flag intercept_errors = (
                    $crate::WEB, "off", "a peer's answer from 300 on gives way to this server's error_page for it"
                );
                value ignore_headers: $crate::Ignored = (
                    $crate::WEB, conf::Arity::AtLeast(1), $crate::Ignored::read, "(none)",
                    "fields of answers that are not obeyed: X-Accel-…, Expires, Cache-Control, Set-Cookie, Vary"
                );
                list hide_header: String = (
                    $crate::WEB, conf::Arity::Exactly(1), |s: &conf::Setting<'_>| Ok::<_, conf::Error>(s.arg(0).to_owned()), "",
                    "a field of answers that is not passed on"
                );
                list pass_header: String = (
                    $crate::WEB, conf::Arity::Exactly(1), |s: &conf::Setting<'_>| Ok::<_, conf::Error>(s.arg(0).to_owned()), "",
                    "a field of answers that is passed on, though it is not by itself"
                );
                flag pass_request_headers = ($crate::WEB, "on", "pass the client's header on");
                flag pass_request_body = ($crate::WEB, "on", "pass the client's body on");
                flag force_ranges = ($crate::WEB, "off", "serve ranges, whatever the peer says of them");
                flag socket_keepalive = ($crate::WEB, "off", "have the system look whether silent connections are alive");
                $($own)*
            }
        }

        impl $conf {
            /// What is common, ready for use. `hidden`: fields of answers that the family does not pass on by itself. `place`:
            /// the word that says where requests go.
            $vis fn passing(
                &self,
                hidden: &[&str],
                place: &conf::Word,
                hooks: &mut http::Hooks<'_, '_>,
            ) -> Result<$crate::Passing, conf::Error> {
                let settings = self.exchange(&hooks.path("")).map_err(|why| hooks.error(place, why))?;
                let (hide, pass) = (self.hide_header.as_slice(), self.pass_header.as_slice());
                Ok($crate::Passing {
                    settings: std::rc::Rc::new(settings),
                    hidden: $crate::Hidden::new(hidden, hide, pass),
                    passes_headers: self.pass_request_headers(),
                    passes_body: self.pass_request_body(),
                    force_ranges: self.force_ranges(),
                    upstreams: hooks.setup().shared::<$crate::Upstreams>(),
                    caching: None,
                })
            }

            /// How peers are asked. The error names directives whose sizes contradict each other.
            $vis fn exchange(&self, prefix: &std::path::Path) -> Result<$crate::Settings, String> {
                let buffers = self.buffers();
                let sizes = (self.busy_buffers_size.get().copied(), self.temp_file_write_size.get().copied());
                let buffer_size = self.buffer_size();
                $crate::check_sizes($family, buffer_size, buffers, sizes.0, sizes.1, self.max_temp_file_size())?;
                let temp_path = self.temp_path.get().cloned();
                Ok($crate::Settings {
                    family: $family,
                    connect_timeout: self.connect_timeout(),
                    send_timeout: self.send_timeout(),
                    read_timeout: self.read_timeout(),
                    buffer_size: buffer_size as usize,
                    buffering: self.buffering(),
                    memory: buffers.number * buffers.size,
                    max_temp_file_size: self.max_temp_file_size(),
                    temp_path: std::rc::Rc::new(
                        temp_path.unwrap_or_else(|| prefix.join(concat!($prefix, "temp"))),
                    ),
                    request_buffering: self.request_buffering(),
                    next: self.next_upstream(),
                    next_tries: self.next_upstream_tries() as usize,
                    next_timeout: self.next_upstream_timeout(),
                    ignore_client_abort: self.ignore_client_abort(),
                    intercept_errors: self.intercept_errors(),
                    ignored: self.ignore_headers.get().copied().unwrap_or_default(),
                    socket_keepalive: self.socket_keepalive(),
                })
            }
        }
    };
}
