//! Certificates for tests, made by `openssl`.
#![allow(dead_code, reason = "each test takes its part")]

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that goes with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("rserve-tls-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("a file")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs `openssl` in the folder.
pub fn openssl(folder: &Folder, arguments: &[&str]) -> String {
    let output =
        Command::new("openssl").args(arguments).current_dir(&folder.0).output().expect("openssl");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// An authority, a certificate of it, one for its OCSP responder, and a responder that it has not allowed.
pub struct Chain(pub Folder);

impl Chain {
    pub fn new() -> Chain {
        Chain::with(&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
    }

    /// With keys of this kind.
    pub fn with(key: &[&str]) -> Chain {
        let folder = Folder::new();
        let configuration = "[req]\ndistinguished_name=dn\n[dn]\n\
            [ca]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n\
            [leaf]\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n\
            [responder]\nextendedKeyUsage=OCSPSigning\nauthorityKeyIdentifier=keyid\n";
        std::fs::write(folder.path("c.cnf"), configuration).expect("a file");
        let make = |name: &str, section: &str, more: &[&str]| {
            let subject = format!("/O=Test/CN={name}");
            let (pem, own) = (format!("{name}.pem"), format!("{name}.key"));
            let mut all = vec!["req", "-x509", "-nodes", "-config", "c.cnf", "-days", "30"];
            all.extend(["-extensions", section, "-subj", &subject, "-keyout", &own, "-out", &pem]);
            all.extend(key.iter().chain(more));
            openssl(&folder, &all);
        };
        make("ca", "ca", &[]);
        let by = ["-CA", "ca.pem", "-CAkey", "ca.key"];
        for (name, section) in [("leaf", "leaf"), ("responder", "responder"), ("other", "leaf")] {
            // `req -x509 -CA` is newer than some of the releases that are in use.
            let request = format!("{name}.csr");
            let subject = format!("/O=Test/CN={name}");
            let (pem, own) = (format!("{name}.pem"), format!("{name}.key"));
            let mut all = vec!["req", "-new", "-nodes", "-config", "c.cnf", "-subj", &subject];
            all.extend(["-keyout", &own, "-out", &request]);
            all.extend(key);
            openssl(&folder, &all);
            let mut sign = vec!["x509", "-req", "-in", &request, "-days", "30", "-out", &pem];
            sign.extend(["-extfile", "c.cnf", "-extensions", section, "-CAcreateserial"]);
            sign.extend(by);
            openssl(&folder, &sign);
        }
        Chain(folder)
    }

    /// A certificate's DER.
    pub fn der(&self, name: &str) -> Vec<u8> {
        let (pem, der) = (format!("{name}.pem"), format!("{name}.der"));
        openssl(&self.0, &["x509", "-in", &pem, "-outform", "DER", "-out", &der]);
        self.0.read(&der)
    }
}

/// A DER value.
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let mut out = vec![tag];
    match value.len() {
        len @ ..0x80 => out.push(len as u8),
        len => out.extend([0x82, (len >> 8) as u8, len as u8]),
    }
    out.extend(value);
    out
}

/// A DER sequence.
pub fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}
