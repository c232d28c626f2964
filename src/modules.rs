//! The list of compiled-in modules: a module is one folder and one line here.

use http::Http;
use module::Module;

/// The HTTP modules. Within a phase their handlers run in this order.
const HTTP_MODULES: &[http::Entry] = &[
    // Before whoever passes requests on.
    #[cfg(feature = "upstream")]
    http::entry::<upstream::UpstreamModule>(),
    // Before all who ask who the client is.
    #[cfg(feature = "realip")]
    http::entry::<realip::RealIp>(),
    // Before whoever redirects to https: proofs are asked for in plain HTTP.
    #[cfg(feature = "http_acme")]
    http::entry::<http_acme::Acme>(),
    #[cfg(feature = "log")]
    http::entry::<access_log::Log>(),
    #[cfg(feature = "rewrite")]
    http::entry::<rewrite::Rewrite>(),
    // The end of the same phase.
    #[cfg(feature = "headers_more")]
    http::entry::<headers_more::HeadersMore>(),
    #[cfg(feature = "limit_req")]
    http::entry::<limit_req::LimitReq>(),
    #[cfg(feature = "limit_conn")]
    http::entry::<limit_conn::LimitConn>(),
    #[cfg(feature = "access")]
    http::entry::<access::Access>(),
    #[cfg(feature = "auth_basic")]
    http::entry::<auth_basic::AuthBasic>(),
    #[cfg(feature = "auth_jwt")]
    http::entry::<auth_jwt::AuthJwt>(),
    #[cfg(feature = "auth_request")]
    http::entry::<auth_request::AuthRequest>(),
    #[cfg(feature = "mirror")]
    http::entry::<mirror::Mirror>(),
    #[cfg(feature = "try_files")]
    http::entry::<try_files::TryFiles>(),
    #[cfg(feature = "brotli")]
    http::entry::<brotli::Brotli>(),
    #[cfg(feature = "zstd")]
    http::entry::<zstd::Zstd>(),
    #[cfg(feature = "gzip")]
    http::entry::<gzip::Gzip>(),
    #[cfg(feature = "headers")]
    http::entry::<headers::Headers>(),
    #[cfg(feature = "map")]
    http::entry::<map::Maps>(),
    #[cfg(feature = "mp4")]
    http::entry::<mp4::Mp4>(),
    #[cfg(feature = "flv")]
    http::entry::<flv::Flv>(),
    #[cfg(feature = "userid")]
    http::entry::<userid::Userid>(),
    #[cfg(feature = "browser")]
    http::entry::<browser::Browser>(),
    #[cfg(feature = "geo")]
    http::entry::<geo::Geo>(),
    #[cfg(feature = "split_clients")]
    http::entry::<split_clients::SplitClients>(),
    #[cfg(feature = "slice")]
    http::entry::<slice::Slice>(),
    #[cfg(feature = "stub_status")]
    http::entry::<stub_status::StubStatus>(),
    #[cfg(feature = "empty_gif")]
    http::entry::<empty_gif::EmptyGif>(),
    #[cfg(feature = "random_index")]
    http::entry::<random_index::RandomIndex>(),
    #[cfg(feature = "secure_link")]
    http::entry::<secure_link::SecureLink>(),
    #[cfg(feature = "referer")]
    http::entry::<referer::Referers>(),
    // Whatever the URI is.
    #[cfg(feature = "proxy")]
    http::entry::<proxy::Proxy>(),
    #[cfg(feature = "fastcgi")]
    http::entry::<fastcgi::FastCgi>(),
    #[cfg(feature = "uwsgi")]
    http::entry::<uwsgi::Uwsgi>(),
    #[cfg(feature = "scgi")]
    http::entry::<scgi::Scgi>(),
    #[cfg(feature = "memcached")]
    http::entry::<memcached::Memcached>(),
    // Before whoever looks for a directory: of a stream the list is asked for with a slash.
    #[cfg(feature = "record")]
    http::entry::<record::Web>(),
    #[cfg(feature = "index")]
    http::entry::<index::Index>(),
    #[cfg(feature = "autoindex")]
    http::entry::<autoindex::Autoindex>(),
    #[cfg(feature = "sse")]
    http::entry::<sse::Sse>(),
    #[cfg(feature = "sub")]
    http::entry::<sub::Sub>(),
    #[cfg(feature = "addition")]
    http::entry::<addition::Addition>(),
    #[cfg(feature = "charset")]
    http::entry::<charset::Charset>(),
    #[cfg(feature = "ssi")]
    http::entry::<ssi::Ssi>(),
    #[cfg(feature = "rtmp")]
    http::entry::<rtmp::Web>(),
    #[cfg(feature = "hls")]
    http::entry::<hls::Web>(),
    #[cfg(feature = "stream_live")]
    http::entry::<stream_live::StreamLive>(),
    #[cfg(feature = "dav")]
    http::entry::<dav::Dav>(),
    #[cfg(feature = "static")]
    http::entry::<static_files::Static>(),
];

/// The modules of `rtmp {}`.
#[cfg(feature = "rtmp")]
const RTMP_MODULES: &[rtmp::Entry] = &[
    #[cfg(feature = "hls")]
    rtmp::entry::<hls::Hls>(),
    #[cfg(feature = "record")]
    rtmp::entry::<record::Record>(),
];

/// The modules of `stream {}`. Within a phase their handlers run in this order.
#[cfg(feature = "stream")]
const STREAM_MODULES: &[stream::Entry] = &[
    // Before whoever passes sessions on.
    #[cfg(feature = "stream_proxy")]
    stream::entry::<stream_proxy::Groups>(),
    // Before all who ask who the client is.
    #[cfg(feature = "realip")]
    stream::entry::<realip::RealPeer>(),
    #[cfg(feature = "log")]
    stream::entry::<access_log::LogSessions>(),
    #[cfg(feature = "limit_conn")]
    stream::entry::<limit_conn::LimitSessions>(),
    #[cfg(feature = "access")]
    stream::entry::<access::Access>(),
    #[cfg(feature = "map")]
    stream::entry::<map::Maps>(),
    #[cfg(feature = "geo")]
    stream::entry::<geo::Geo>(),
    #[cfg(feature = "split_clients")]
    stream::entry::<split_clients::SplitClients>(),
    #[cfg(feature = "ssl_preread")]
    stream::entry::<ssl_preread::SslPreread>(),
    #[cfg(feature = "stream_proxy")]
    stream::entry::<stream_proxy::Proxy>(),
];

/// The core modules.
pub const MODULES: &[&dyn Module] = &[
    #[cfg(feature = "rtmp")]
    &rtmp::Rtmp::new(RTMP_MODULES),
    #[cfg(feature = "stream")]
    &stream::Stream::new(STREAM_MODULES),
    &Http::new(HTTP_MODULES),
];
