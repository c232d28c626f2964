//! The client beside pebble, Let's Encrypt's server for tests. Requests go by curl, proofs are shown by small servers.

mod now;

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use acme::{
    Account, AccountKey, Client, Error, External, Identifier, KeyType, Kind, Proof, Prover,
};
use acme::{Request, Response, Transport, Wish};
use now::now;

/// What is ended with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// pebble, and what it asks for addresses.
struct Pebble {
    _processes: [Process; 2],
    folder: PathBuf,
    directory: String,
    http_port: u16,
    tls_port: u16,
}

impl Drop for Pebble {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("an address").port()
}

impl Pebble {
    fn start(external: bool) -> Pebble {
        let [port, management, http_port, tls_port] = [(); 4].map(|()| free_port());
        let dns = UdpSocket::bind("127.0.0.1:0")
            .expect("a port")
            .local_addr()
            .expect("an address")
            .port();
        let folder =
            std::env::temp_dir().join(format!("rserve-pebble-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let at = |name: &str| folder.join(name).display().to_string();
        let mut openssl = Command::new("openssl");
        openssl.args([
            "req",
            "-x509",
            "-nodes",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ]);
        openssl.args(["-subj", "/CN=pebble", "-addext", "subjectAltName=IP:127.0.0.1"]);
        openssl.args(["-keyout", &at("key.pem"), "-out", &at("cert.pem")]);
        assert!(openssl.stderr(Stdio::null()).status().expect("openssl").success());
        let configuration = serde_json::json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": at("cert.pem"), "privateKey": at("key.pem"),
            "httpPort": http_port, "tlsPort": tls_port, "ocspResponderURL": "",
            "externalAccountBindingRequired": external,
            "externalAccountMACKeys": {"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"},
        }});
        std::fs::write(at("pebble.json"), configuration.to_string()).expect("a file");
        let silent = |command: &mut Command| {
            let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            Process(command.spawn().expect("pebble, and pebble-challtestsrv, are installed"))
        };
        let mut names = Command::new("pebble-challtestsrv");
        names.args(["-dns01", &format!("127.0.0.1:{dns}"), "-defaultIPv6", ""]);
        names.args(["-http01", "", "-https01", "", "-tlsalpn01", ""]);
        names.args(["-management", &format!("127.0.0.1:{}", free_port())]);
        let mut pebble = Command::new("pebble");
        pebble.args([
            "-strict",
            "-config",
            &at("pebble.json"),
            "-dnsserver",
            &format!("127.0.0.1:{dns}"),
        ]);
        // It looks at once, dislikes one nonce in twenty, and believes no name for long.
        pebble
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", "5")
            .env("PEBBLE_AUTHZREUSE", "0");
        let processes = [silent(&mut names), silent(&mut pebble)];
        let directory = format!("https://127.0.0.1:{port}/dir");
        Pebble { _processes: processes, folder, directory, http_port, tls_port }
    }

    fn client(&self, account: &Account) -> Result<Client<Curl>, Error> {
        let until = Instant::now() + Duration::from_secs(20);
        let curl = || Curl(self.folder.join("cert.pem"));
        let key = || AccountKey::generate().expect("a key");
        let mut client = loop {
            match now(Client::new(curl(), &self.directory, key())) {
                Err(Error::Transport(_)) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(20))
                }
                other => break other?,
            }
        };
        now(client.account(account))?;
        Ok(client)
    }
}

/// Requests by curl, which knows the server's certificate.
struct Curl(PathBuf);

impl Transport for Curl {
    async fn send(&mut self, request: Request) -> Result<Response, String> {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-i", "--http1.1", "-A", "test", "--cacert"]).arg(&self.0);
        match request.method {
            "HEAD" => drop(curl.arg("--head")),
            method => drop(curl.args(["-X", method])),
        }
        for (name, value) in &request.fields {
            curl.args(["-H", &format!("{name}: {value}")]);
        }
        if request.method == "POST" {
            curl.args(["--data-binary", "@-"]);
        }
        curl.arg(&request.url).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = curl.spawn().expect("curl");
        child.stdin.take().expect("a pipe").write_all(&request.body).expect("it reads");
        let output = child.wait_with_output().expect("curl");
        let end = output.stdout.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.ok_or("no answer")?;
        let head = String::from_utf8_lossy(&output.stdout[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .ok_or("no status")?;
        let fields = lines.filter_map(|line| line.split_once(": "));
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Response { status, fields, body: output.stdout[end + 4..].to_vec() })
    }

    async fn wait(&mut self, time: Duration) {
        // What is asked too early is asked again.
        std::thread::sleep(time.min(Duration::from_millis(100)));
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Pages on a port, as long as they are shown.
#[derive(Clone)]
struct Pages(Arc<Mutex<Vec<(String, String)>>>);

impl Pages {
    fn on(port: u16) -> Pages {
        let pages = Pages(Arc::default());
        let shown = Arc::clone(&pages.0);
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port");
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut head = [0; 2048];
                let len = stream.read(&mut head).unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..len]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let pages = shown.lock().expect("no panic");
                let page = pages
                    .iter()
                    .find(|(token, _)| path == format!("/.well-known/acme-challenge/{token}"));
                let content = page.map(|(_, content)| content.clone());
                let (status, body) =
                    content.map_or(("404 Not Found", String::new()), |content| ("200 OK", content));
                let len = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{body}"
                );
            }
        });
        pages
    }
}

impl Prover for Pages {
    fn show(&mut self, proof: &Proof) -> Result<(), String> {
        let Proof::Http01 { token, content, .. } = proof else { return Err("no page".to_owned()) };
        self.0.lock().expect("no panic").push((token.clone(), content.clone()));
        Ok(())
    }

    fn hide(&mut self, _: &Proof) {
        self.0.lock().expect("no panic").clear();
    }
}

/// `openssl s_server` with the certificate, as long as it is shown.
struct Certificates {
    port: u16,
    folder: PathBuf,
    server: Rc<RefCell<Option<Process>>>,
}

impl Prover for Certificates {
    fn show(&mut self, proof: &Proof) -> Result<(), String> {
        let Proof::TlsAlpn01 { certificate, key, .. } = proof else {
            return Err("no certificate".to_owned());
        };
        let (at, own) = (self.folder.join("proof.der"), self.folder.join("proof.key"));
        std::fs::write(&at, certificate)
            .and_then(|()| std::fs::write(&own, key))
            .map_err(|e| e.to_string())?;
        let mut server = Command::new("openssl");
        server.args([
            "s_server",
            "-alpn",
            "acme-tls/1",
            "-certform",
            "DER",
            "-keyform",
            "DER",
            "-quiet",
            "-cert",
        ]);
        server
            .arg(&at)
            .arg("-key")
            .arg(&own)
            .args(["-accept", &format!("127.0.0.1:{}", self.port)]);
        server.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().map_err(|error| error.to_string())?;
        *self.server.borrow_mut() = Some(Process(server));
        let until = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "openssl s_server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn hide(&mut self, _: &Proof) {
        self.server.borrow_mut().take();
    }
}

fn wish(names: &[&str], challenge: Kind, key_type: KeyType) -> Wish {
    let identifiers = names.iter().map(|name| Identifier::of(name)).collect();
    Wish { identifiers, challenge, key_type, ..Wish::default() }
}

/// The names of a chain's first certificate, and whether the key is its.
fn check(issued: &acme::Issued, folder: &std::path::Path) -> String {
    let (chain, key) = (folder.join("chain.pem"), folder.join("chain.key"));
    std::fs::write(&chain, &issued.chain).expect("a file");
    std::fs::write(&key, &issued.key).expect("a file");
    let told = |arguments: &[&str], file: &std::path::Path| {
        let output =
            Command::new("openssl").args(arguments).arg("-in").arg(file).output().expect("openssl");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let public = told(&["pkey", "-pubout"], &key);
    assert!(!public.is_empty() && public == told(&["x509", "-noout", "-pubkey"], &chain));
    assert!(issued.chain.matches("BEGIN CERTIFICATE").count() >= 2);
    told(&["x509", "-noout", "-ext", "subjectAltName"], &chain)
}

#[test]
fn certificates_by_both_proofs() {
    let pebble = Pebble::start(false);
    let account = Account {
        contact: vec!["mailto:a@example.com".into()],
        terms_agreed: true,
        external: None,
    };
    let mut client = pebble.client(&account).expect("an account");
    let mut pages = Pages::on(pebble.http_port);
    let wanted = wish(&["a.example.com", "b.example.com"], Kind::Http01, KeyType::Ecdsa256);
    let issued = now(client.issue(&wanted, &mut pages)).expect("a certificate");
    assert!(check(&issued, &pebble.folder).contains("DNS:a.example.com, DNS:b.example.com"));
    assert!(pages.0.lock().expect("no panic").is_empty());

    let folder = pebble.folder.clone();
    let mut certificates = Certificates { port: pebble.tls_port, folder, server: Rc::default() };
    let wanted = wish(&["c.example.com"], Kind::TlsAlpn01, KeyType::Rsa2048);
    let issued = now(client.issue(&wanted, &mut certificates)).expect("a certificate");
    assert!(check(&issued, &pebble.folder).contains("DNS:c.example.com"));

    // The same key has the same account.
    let (curl, key) = client.into_parts();
    let again = AccountKey::from_pem(key.pem().as_bytes()).expect("a key");
    let mut first = now(Client::new(curl, &pebble.directory, key)).expect("a directory");
    let url = now(first.account(&account)).expect("an account").to_owned();
    let mut second =
        now(Client::new(first.into_parts().0, &pebble.directory, again)).expect("a directory");
    assert_eq!(now(second.account(&account)).expect("an account"), url);
}

/// Shows nothing.
struct Nothing;

impl Prover for Nothing {
    fn show(&mut self, _: &Proof) -> Result<(), String> {
        Ok(())
    }

    fn hide(&mut self, _: &Proof) {}
}

#[test]
fn what_pebble_refuses() {
    let pebble = Pebble::start(true);
    let agreed = Account { terms_agreed: true, ..Account::default() };
    let error = pebble.client(&agreed).err().expect("an error");
    assert_eq!(error, Error::Wish("the ACME server wants an external account's key".to_owned()));
    let external = |key: &str| {
        let external = External { id: "kid-1".into(), key: key.into() };
        Account { external: Some(external), ..agreed.clone() }
    };
    let Err(Error::Refused(problem)) = pebble.client(&external("bm90IHRoZSBrZXk")) else {
        panic!()
    };
    assert!(problem.is("unauthorized") || problem.is("malformed"), "{problem}");
    let account = external("zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W");
    let disagreed = Account { terms_agreed: false, ..account.clone() };
    let Err(Error::Refused(problem)) = pebble.client(&disagreed) else { panic!() };
    assert!(problem.is("userActionRequired") || problem.is("agreementRequired"), "{problem}");
    let mut client = pebble.client(&account).expect("an account");
    let wanted = wish(&["a.example.com"], Kind::Http01, KeyType::Ecdsa384);
    let error = now(client.issue(&wanted, &mut Nothing)).expect_err("an error");
    let Error::Unproven(name, problem) = &error else { panic!("{error}") };
    assert!(name == "a.example.com" && problem.is("connection"), "{error}");
    let Err(Error::Refused(problem)) =
        now(client.issue(&wish(&["not a name"], Kind::Http01, KeyType::Ecdsa256), &mut Nothing))
    else {
        panic!()
    };
    assert!(problem.is("malformed") || problem.is("rejectedIdentifier"), "{problem}");
    // Servers that do not say when to renew are no fault.
    assert!(matches!(now(client.renewal("a.b")), Ok(None) | Err(Error::Refused(_))));
}
