//! pebble, what it asks for addresses, and a server that has certificates from it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use support::certificates::Authority;
use support::{Server, Start, free_port, is_listening, wait_for};

/// What is ended with the test.
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn silent(command: &mut Command) -> Process {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Process(command.spawn().expect("pebble, and pebble-challtestsrv, are installed"))
}

/// An issuer. All names lead to 127.0.0.1.
pub struct Pebble {
    processes: Vec<Process>,
    folder: std::sync::Arc<support::Dir>,
    port: u16,
    dns: u16,
    pub http: u16,
    pub tls: u16,
}

impl Pebble {
    /// One whose certificates are valid for so many seconds.
    pub fn start(validity: u64) -> Pebble {
        let mut pebble = Pebble::prepared(validity);
        pebble.go_on();
        pebble
    }

    /// The same, which nobody hears yet.
    pub fn prepared(validity: u64) -> Pebble {
        let [port, management, http, tls, dns] = [(); 5].map(|()| free_port());
        let folder = Start::new("").dir();
        let at = |name: &str| folder.path(name).display().to_string();
        let authority = Authority::new("pebble's");
        let leaf = authority.server(&["127.0.0.1"]);
        folder.file("authority.pem", &authority.certificate);
        folder.file("cert.pem", &leaf.chain);
        folder.file("key.pem", &leaf.key);
        let configuration = format!(
            "{{\"pebble\": {{
                \"listenAddress\": \"127.0.0.1:{port}\",
                \"managementListenAddress\": \"127.0.0.1:{management}\",
                \"certificate\": \"{}\", \"privateKey\": \"{}\",
                \"httpPort\": {http}, \"tlsPort\": {tls}, \"ocspResponderURL\": \"\",
                \"externalAccountBindingRequired\": false,
                \"certificateValidityPeriod\": {validity}
            }}}}",
            at("cert.pem"),
            at("key.pem")
        );
        folder.file("pebble.json", configuration);
        Pebble { processes: Vec::new(), folder, port, dns, http, tls }
    }

    /// It hears from now on.
    pub fn go_on(&mut self) {
        let dns = format!("127.0.0.1:{}", self.dns);
        let mut names = Command::new("pebble-challtestsrv");
        names.args(["-dns01", &dns, "-defaultIPv6", "", "-http01", "", "-https01", ""]);
        names.args(["-tlsalpn01", "", "-management", &format!("127.0.0.1:{}", free_port())]);
        let mut pebble = Command::new("pebble");
        pebble.args(["-strict", "-config"]).arg(self.folder.path("pebble.json"));
        pebble.args(["-dnsserver", &dns]);
        // It looks at once, dislikes one nonce in twenty, and believes no name for long.
        pebble.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "5");
        pebble.env("PEBBLE_AUTHZREUSE", "0");
        self.processes = vec![silent(&mut names), silent(&mut pebble)];
        wait_for("pebble", || is_listening(self.port));
    }

    pub fn directory(&self) -> String {
        format!("https://127.0.0.1:{}/dir", self.port)
    }

    /// The authority that it is known by.
    pub fn authority(&self) -> PathBuf {
        self.folder.path("authority.pem")
    }

    /// An `acme_issuer`, with these lines more.
    pub fn issuer(&self, more: &str) -> String {
        self.issuer_at(&self.directory(), more)
    }

    /// The same, by another directory.
    pub fn issuer_at(&self, directory: &str, more: &str) -> String {
        format!(
            "acme_issuer pebble {{ uri {directory}; accept_terms_of_service; contact a@example.com;
                ssl_trusted_certificate {}; state_path state; {more} }}",
            self.authority().display()
        )
    }

    /// A server with a certificate for a.example, b.example: one port is for proofs, one is encrypted.
    pub fn server(&self, issuer: &str) -> Start {
        let (http, tls) = (self.http, self.tls);
        let conf = format!(
            "worker_processes 2; http {{ access_log off; {issuer}
            server {{ listen 127.0.0.1:{http}; return 301 https://$host$request_uri; }}
            server {{ listen 127.0.0.1:{tls} ssl; listen 127.0.0.1:{{port}}; server_name a.example b.example;
                acme_certificate pebble;
                ssl_certificate $acme_certificate; ssl_certificate_key $acme_certificate_key;
                return 200 hello; }} }}"
        );
        Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(conf)
    }

    /// The certificate that the server has now, as OpenSSL shows it: subject's names, serial number, end; empty: none.
    pub fn shown(&self) -> String {
        self.shown_to("a.example")
    }

    pub fn shown_to(&self, name: &str) -> String {
        let script = format!(
            "openssl s_client -connect 127.0.0.1:{} -servername {name} </dev/null 2>/dev/null |
             openssl x509 -noout -serial -enddate -ext subjectAltName 2>/dev/null",
            self.tls
        );
        let output = Command::new("sh").args(["-c", &script]).output().expect("sh");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits for a certificate, which is another than `before`.
    #[track_caller]
    pub fn comes(&self, server: &Server, before: &str) -> String {
        let mut shown = String::new();
        let came = support::comes(|| {
            shown = self.shown();
            !shown.is_empty() && shown != before
        });
        assert!(came, "no certificate comes:\n{}", server.error_log());
        shown
    }
}

/// The server's helper, which may be about to start.
#[track_caller]
pub fn running_helper(server: &Server) -> u32 {
    let mut found = None;
    wait_for("the helper", || {
        found = helper(server);
        found.is_some()
    });
    found.expect("it was found")
}

/// The server's helper, if it runs.
pub fn helper(server: &Server) -> Option<u32> {
    let title = |pid: &u32| {
        let title = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&title).contains("helper process")
    };
    server.workers().into_iter().find(title)
}
