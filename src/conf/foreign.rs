//! Well-known modules that others wrote for nginx: what to use instead of their directives.

/// A module, the heads of its directives' names, and the advice.
struct Foreign {
    module: &'static str,
    names: &'static [&'static str],
    advice: &'static str,
}

const FOREIGN: &[Foreign] = &[
    Foreign {
        module: "nchan",
        names: &["nchan_", "push_min_", "push_max_", "push_subscriber", "push_publisher"],
        advice: "rserve has event streams of its own: sse_subscribe, sse_publish (docs/events.md)",
    },
    Foreign {
        module: "push-stream",
        names: &["push_stream_"],
        advice: "rserve has event streams of its own: sse_subscribe, sse_publish (docs/events.md)",
    },
    Foreign {
        module: "geoip2",
        names: &["geoip2"],
        advice: "rserve does not read GeoIP databases; geo, allow and deny take networks",
    },
    Foreign {
        module: "lua",
        names: &[
            "lua_",
            "set_by_lua",
            "init_by_lua",
            "init_worker_by_lua",
            "rewrite_by_lua",
            "access_by_lua",
            "content_by_lua",
            "header_filter_by_lua",
            "body_filter_by_lua",
            "log_by_lua",
            "balancer_by_lua",
            "ssl_certificate_by_lua",
            "exit_worker_by_lua",
            "server_rewrite_by_lua",
        ],
        advice: "rserve does not run Lua; what it did may be a module of your own in Rust \
                 (docs/own-module.md)",
    },
    Foreign {
        module: "njs",
        names: &["js_"],
        advice: "rserve does not run JavaScript; what it did may be a module of your own in Rust \
                 (docs/own-module.md)",
    },
    Foreign {
        module: "pagespeed",
        names: &["pagespeed", "ModPagespeed"],
        advice: "rserve does not rewrite pages; make them small when they are built",
    },
    Foreign {
        module: "brotli",
        names: &["brotli"],
        advice: "this server was built without it; the line can be left out",
    },
    Foreign {
        module: "zstd",
        names: &["zstd"],
        advice: "this server was built without it; the line can be left out",
    },
    Foreign {
        module: "vts",
        names: &["vhost_traffic_status"],
        advice: "rserve has no figures of virtual hosts yet; rtmp_stat and sse_stats have those of \
                 streams",
    },
    Foreign { module: "upload", names: &["upload_"], advice: "dav_methods PUT takes uploads" },
    Foreign { module: "fancyindex", names: &["fancyindex"], advice: "autoindex lists directories" },
    Foreign { module: "echo", names: &["echo"], advice: "return answers with a text" },
    Foreign {
        module: "set-misc",
        names: &[
            "set_escape_uri",
            "set_unescape_uri",
            "set_md5",
            "set_sha1",
            "set_hmac_",
            "set_random",
        ],
        advice: "set and map set variables, to what others are made of",
    },
    Foreign {
        module: "modsecurity",
        names: &["modsecurity"],
        advice: "rserve has no application firewall",
    },
    Foreign {
        module: "passenger",
        names: &["passenger_"],
        advice: "rserve does not run applications",
    },
];

/// Whose directive `name` is, and what to use instead.
pub fn find(name: &str) -> Option<(&'static str, &'static str)> {
    let its = |foreign: &&Foreign| foreign.names.iter().any(|head| name.starts_with(head));
    FOREIGN.iter().find(its).map(|foreign| (foreign.module, foreign.advice))
}

/// What to say of a file that `load_module` names.
pub fn loaded(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".so");
    match name {
        "ngx_rtmp_module" => "rserve has live video of its own, nothing is loaded".to_owned(),
        "ngx_nchan_module" => "rserve has event streams of its own (sse_subscribe, sse_publish; \
                               docs/events.md), nothing is loaded"
            .to_owned(),
        _ => format!("rserve does not load \"{name}\"; its directives are told where they stand"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_their_modules() {
        for (name, module) in [
            ("nchan_subscriber", "nchan"),
            ("push_stream_publisher", "push-stream"),
            ("geoip2", "geoip2"),
            ("content_by_lua_block", "lua"),
            ("brotli_static", "brotli"),
            ("vhost_traffic_status_zone", "vts"),
            ("upload_store", "upload"),
            ("pagespeed", "pagespeed"),
        ] {
            assert_eq!(find(name).map(|(module, _)| module), Some(module), "{name}");
        }
        for ours in ["root", "sse_subscribe", "set", "add_header"] {
            assert!(find(ours).is_none(), "{ours}");
        }
    }
}
