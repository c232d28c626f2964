//! An authority that `openssl` is, with a responder that says what it thinks of its certificates.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use support::{Dir, free_port, is_listening, wait_for};

const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

/// What is ended with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An authority `ca`, a certificate `leaf` of it for a.example (number 1001) whose responder is at a port, and what that says.
pub struct Authority {
    pub dir: Arc<Dir>,
    pub port: u16,
    name: String,
    responder: Option<Process>,
}

pub fn openssl(dir: &Dir, arguments: &str) {
    let mut openssl = Command::new("openssl");
    openssl.args(arguments.split_whitespace()).current_dir(dir.path(""));
    let output = openssl.output().expect("openssl");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Authority {
    pub fn new(dir: Arc<Dir>) -> Authority {
        let made = format!("req -x509 {KEY} -subj /CN=ca -days 30 -keyout ca.key -out ca.pem");
        openssl(&dir, &made);
        let mut authority =
            Authority { dir, port: free_port(), name: "ca".to_owned(), responder: None };
        authority.signs("leaf", "1001", "subjectAltName=DNS:a.example");
        authority.dir.file("server.key", authority.dir.text("leaf.key"));
        authority
            .dir
            .file("server.pem", authority.dir.text("leaf.pem") + &authority.dir.text("ca.pem"));
        authority.says("V\t351231235959Z\t\t1001\tunknown\t/CN=a.example\n");
        authority
    }

    /// Signs a certificate, which names the responder.
    pub fn signs(&self, name: &str, number: &str, extension: &str) {
        let (ca, port) = (&self.name, self.port);
        let extensions =
            format!("authorityInfoAccess=OCSP;URI:http://127.0.0.1:{port}/\n{extension}\n");
        self.dir.file("extensions", extensions);
        openssl(
            &self.dir,
            &format!("req {KEY} -subj /CN={name} -keyout {name}.key -out {name}.csr"),
        );
        openssl(
            &self.dir,
            &format!(
                "x509 -req -in {name}.csr -CA {ca}.pem -CAkey {ca}.key -set_serial 0x{number} -days 20 -extfile extensions -out {name}.pem"
            ),
        );
    }

    /// Another one between this one and its clients, which this one has signed.
    pub fn between(&self, name: &str, number: &str) -> Authority {
        self.signs(name, number, "basicConstraints=critical,CA:TRUE");
        Authority {
            dir: self.dir.clone(),
            port: free_port(),
            name: name.to_owned(),
            responder: None,
        }
    }

    /// From now on it says that, as `openssl ca` writes it.
    pub fn says(&mut self, index: &str) {
        self.dir.file(&format!("{}.txt", self.name), index);
    }

    /// Its responder answers.
    pub fn answers(&mut self) {
        let signer = self.name.clone();
        self.answers_as(&signer);
    }

    /// The same, signed by somebody.
    pub fn answers_as(&mut self, signer: &str) {
        let (name, port) = (&self.name, self.port);
        let arguments = format!(
            "ocsp -index {name}.txt -rsigner {signer}.pem -rkey {signer}.key -CA {name}.pem -ndays 7 -port {port}"
        );
        let mut ocsp = Command::new("openssl");
        ocsp.args(arguments.split(' ')).current_dir(self.dir.path("")).stdin(Stdio::null());
        let child = ocsp.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("openssl");
        self.responder = Some(Process(child));
        wait_for("the responder", || is_listening(self.port));
    }

    /// It does not any more.
    pub fn ends(&mut self) {
        self.responder = None;
    }
}
