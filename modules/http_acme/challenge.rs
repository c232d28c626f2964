//! Proofs that names are ours: shown by the helper, seen at any worker.

use std::sync::Arc;

use acme::{Proof, Prover};
use http::{Flow, Handler, Request};
use mem::Str;
use shm::Board;
use tls::fresh::{proof, proof_name};

/// RFC 8555, 8.3.
const PATH: &[u8] = b"/.well-known/acme-challenge/";

/// Shows proofs.
pub struct Shown(pub Arc<Board>);

/// Its name, and what is shown.
fn text(proof_of: &Proof) -> (String, Vec<u8>) {
    match proof_of {
        Proof::Http01 { token, content, .. } => (page(token), content.clone().into()),
        Proof::TlsAlpn01 { server_name, certificate, key, .. } => {
            (proof_name(server_name), proof(certificate, key))
        }
    }
}

fn page(token: &str) -> String {
    format!("http-01:{token}")
}

impl Prover for Shown {
    fn show(&mut self, proof: &Proof) -> Result<(), String> {
        let (name, text) = text(proof);
        match self.0.write(&name, &text) {
            true => Ok(()),
            false => Err("there is no room for another proof".to_owned()),
        }
    }

    fn hide(&mut self, proof: &Proof) {
        self.0.remove(&text(proof).0);
    }
}

/// Answers those who look.
pub struct Challenge(pub Arc<Board>);

impl Handler for Challenge {
    fn handle(&self, request: &mut Request) -> Flow {
        let Some(token) = request.uri.strip_prefix(PATH) else { return Flow::Declined };
        let token = std::str::from_utf8(token).ok().filter(|token| acme::is_token(token));
        let Some(content) = token.and_then(|token| self.0.read(&page(token))) else {
            return Flow::Declined;
        };
        request.response.set_body(200, Str::from("text/plain"), Str::copy(&content));
        Flow::Respond
    }
}
