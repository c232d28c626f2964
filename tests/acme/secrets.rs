//! What is secret stays so, whatever is asked for.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use support::Start;
use support::certificates::Authority;

use crate::state::workers_user;

/// A page may have any name; this one's has the hash of the certificate's.
#[test]
fn no_page_is_a_key() {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(
        "http { acme_issuer le { uri http://127.0.0.1:1; }
        server { listen 127.0.0.1:{port}; return 404; }
        server { listen 127.0.0.1:{port2} ssl; server_name example.com; acme_certificate le;
        ssl_certificate $acme_certificate; ssl_certificate_key $acme_certificate_key; } }",
    );
    let leaf = Authority::new("tests").server(&["example.com"]);
    let file = start.dir().file("acme_le/example.com-d1e3fb00.pem", leaf.chain + &leaf.key);
    let folder = file.parent().expect("a folder");
    let give = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
        chown(path, workers_user(), None).expect("chown");
    };
    give(&file, 0o600);
    give(folder, 0o700);
    let server = start.start();
    let mut shakes = std::process::Command::new("openssl");
    shakes.args(["s_client", "-connect", &format!("127.0.0.1:{}", server.port2())]);
    shakes.args(["-servername", "example.com"]).stdin(std::process::Stdio::null());
    let shown = support::process::run(&mut shakes).stdout;
    assert!(String::from_utf8_lossy(&shown).contains("BEGIN CERTIFICATE"), "it is served");
    let token = "%67%69%4E%69%65%7D%58%5B%57%79%4E%4A%7A%70%71%49%5C%57%45%7A%47%60";
    let path = format!("/.well-known/acme-challenge/{token}");
    assert_eq!(server.get(&path).status, 404);
}
