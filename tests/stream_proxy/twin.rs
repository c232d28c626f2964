//! nginx with the same `stream {}`.

use support::{Server, Start, Twin};

/// A server with this `stream {}`, as it is written.
pub fn start(stream: &str) -> Server {
    Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(stream).start()
}

/// nginx with the same.
pub fn twin(stream: &str, server: &Server) -> Twin {
    let module = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n";
    Twin::start(format!("{module}events {{ worker_connections 256; }}\n{stream}"), server)
}

/// Both.
pub fn both(stream: &str) -> (Server, Twin) {
    let server = start(stream);
    let twin = twin(stream, &server);
    (server, twin)
}
