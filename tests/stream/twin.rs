//! nginx with the same `stream {}`.

use support::{Server, Twin};

/// With the same files; `{tls}` and `{files}` as in the server's configuration.
pub fn twin(stream: &str, server: &Server) -> Twin {
    let files = server.dir().path("").to_string_lossy().into_owned() + "/";
    let tls = format!("ssl_certificate {files}server.pem; ssl_certificate_key {files}server.key;");
    let stream = stream.replace("{tls}", &tls).replace("{files}", &files);
    let module = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n";
    Twin::start(format!("{module}events {{ worker_connections 256; }}\n{stream}"), server)
}
