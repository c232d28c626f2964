//! Clients: rustls, which can be told exactly what to do, and OpenSSL, which others wrote.

use std::process::{Command, Stdio};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use support::certificates::{Authority, Leaf};
use support::transport::{AnyServer, provider};
use support::{Server, Start, Wire, process};

/// A server with a certificate of its own: `{tls}` in the configuration stands for its two directives.
pub fn start(conf: &str) -> (Server, Authority) {
    let authority = Authority::new("tests");
    let server = prepared(conf, &authority).start();
    (server, authority)
}

/// The same, about to be started.
pub fn prepared(conf: &str, authority: &Authority) -> Start {
    let conf = conf.replace("{tls}", "ssl_certificate server.pem; ssl_certificate_key server.key;");
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(conf);
    let start = with_leaf(start, "server", &authority.server(&["localhost", "a.example"]));
    start.file("authority.pem", &authority.certificate)
}

/// Writes `NAME.pem` and `NAME.key`.
pub fn with_leaf(start: Start, name: &str, leaf: &Leaf) -> Start {
    use std::os::unix::fs::PermissionsExt;
    let start = start.file(&format!("{name}.pem"), &leaf.chain);
    let key = start.dir().file(&format!("{name}.key"), &leaf.key);
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    start
}

/// A client that takes any certificate; `own`: it has one itself. It does not resume.
pub fn config(own: Option<&Leaf>) -> ClientConfig {
    config_of(rustls::ALL_VERSIONS, own)
}

/// The same, which speaks these versions alone.
pub fn config_of(
    versions: &[&'static rustls::SupportedProtocolVersion],
    own: Option<&Leaf>,
) -> ClientConfig {
    let config = ClientConfig::builder_with_provider(provider());
    let config = config.with_protocol_versions(versions).expect("versions");
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer));
    let mut config = match own {
        None => config.with_no_client_auth(),
        Some(leaf) => {
            let chain = CertificateDer::pem_slice_iter(leaf.chain.as_bytes());
            let chain = chain.collect::<Result<_, _>>().expect("certificates");
            let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).expect("a key");
            config.with_client_auth_cert(chain, key).expect("a pair")
        }
    };
    config.resumption = rustls::client::Resumption::disabled();
    config
}

/// Asks for a path, by this client and this name; gives the answer's status and body.
pub fn get(port: u16, config: &Arc<ClientConfig>, name: &str, path: &str) -> (u16, String) {
    let mut wire = Wire::open(port).with_tls(config.clone(), name);
    wire.send(format!("GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"));
    let answer = wire.answer();
    (answer.status, answer.text())
}

/// What `openssl s_client` says with these arguments, of a connection on which `said` is sent.
pub fn s_client(port: u16, arguments: &[&str], said: &str) -> String {
    let mut command = Command::new("sh");
    // It goes on until the server closes, or its input ends.
    let script = format!(
        "printf '%s' \"$0\" | timeout 20 openssl s_client -connect 127.0.0.1:{port} -ign_eof \"$@\" 2>&1"
    );
    command.args(["-c", &script, said]).args(arguments).stdin(Stdio::null());
    String::from_utf8_lossy(&process::run(&mut command).stdout).into_owned()
}

/// What `gnutls-cli` says, which shakes hands twice, the second time with the session of the first.
pub fn gnutls_twice(port: u16, version: &str) -> String {
    let priority = format!("NORMAL:-VERS-ALL:+VERS-{version}");
    let port = port.to_string();
    let mut command = Command::new("timeout");
    command.args(["20", "gnutls-cli", "--insecure", "--resume", "--priority", &priority]);
    command.args(["--port", &port, "localhost"]).stdin(Stdio::null());
    String::from_utf8_lossy(&process::run(&mut command).stdout).into_owned()
}

/// A request after whose answer the server closes.
pub const LAST: &str = "GET /v HTTP/1.0\r\nHost: a.example\r\n\r\n";
