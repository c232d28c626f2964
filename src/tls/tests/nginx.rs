//! What nginx tells of a client's certificate in its variables.

mod made;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use made::{Folder, openssl};
use tls::x509::Certificate;

struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

const VARIABLES: [&str; 8] =
    ["s_dn", "i_dn", "s_dn_legacy", "i_dn_legacy", "serial", "fingerprint", "v_start", "v_end"];

fn start(folder: &Folder) -> (Nginx, u16) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let told: Vec<_> = VARIABLES.iter().map(|name| format!("$ssl_client_{name}\\n")).collect();
    let at = folder.path("");
    let at = at.display();
    let configuration = format!(
        "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log; events {{}}
http {{ access_log off; client_body_temp_path {at}/t; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f;
uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {at}/ca.pem; ssl_certificate_key {at}/ca.key;
ssl_verify_client optional_no_ca;
location / {{ return 200 \"{}$ssl_client_v_remain\"; }} }} }}",
        told.concat()
    );
    std::fs::write(folder.path("nginx.conf"), configuration).expect("a file");
    let mut nginx = Command::new("nginx");
    nginx.arg("-c").arg(folder.path("nginx.conf")).arg("-e").arg(folder.path("error.log"));
    (Nginx(nginx.stdin(Stdio::null()).spawn().expect("nginx")), port)
}

fn ask(folder: &Folder, port: u16, name: &str) -> String {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let mut curl = Command::new("curl");
        curl.args(["-sk", "--cert"]).arg(folder.path(&format!("{name}.pem"))).arg("--key");
        curl.arg(folder.path(&format!("{name}.key"))).arg(format!("https://127.0.0.1:{port}/"));
        let output = curl.output().expect("curl");
        if output.status.success() {
            return String::from_utf8(output.stdout).expect("text");
        }
        assert!(Instant::now() < until, "{}", String::from_utf8_lossy(&output.stderr));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs() as i64
}

#[test]
fn the_same_values() {
    let chain = made::Chain::new();
    let folder = &chain.0;
    let subject = "/C=DE/O=Ä, \"B\" + <C>;#/CN= x=y\\\\z /emailAddress=m@example.com/OU=a+L=b";
    std::fs::write(folder.path("own.cnf"), "[req]\ndistinguished_name=d\n[d]\n").expect("a file");
    openssl(
        folder,
        &[
            "req",
            "-x509",
            "-nodes",
            "-config",
            "own.cnf",
            "-newkey",
            "rsa:2048",
            "-utf8",
            "-subj",
            subject,
            "-multivalue-rdn",
            "-days",
            "9",
            "-keyout",
            "own.key",
            "-out",
            "own.pem",
        ],
    );
    let (nginx, port) = start(folder);
    for name in ["leaf", "own"] {
        let before = now();
        let told = ask(folder, port, name);
        let der = chain.der(name);
        let one = Certificate::parse(&der).expect("a certificate");
        let ours = [
            one.subject.rfc2253(),
            one.issuer.rfc2253(),
            one.subject.one_line(),
            one.issuer.one_line(),
            one.serial(),
            one.fingerprint(),
            one.not_before.to_string(),
            one.not_after.to_string(),
        ];
        let told: Vec<_> = told.lines().collect();
        assert_eq!(told[..8], ours);
        // A day may have ended meanwhile: it was made for whole ones. nginx' clock may be a little behind.
        let days = [before - 2, now()].map(|now| one.days_left(now).to_string());
        assert!(told.len() == 9 && days.iter().any(|days| days == told[8]), "{told:?}");
    }
    drop(nginx);
}
