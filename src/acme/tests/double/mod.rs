//! An ACME server in memory, which believes nothing: signatures, nonces, URLs and proofs are checked.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use acme::{Proof, Prover, Request, Response, Transport};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub const DIRECTORY: &str = "https://ca.example/directory";

/// What it does to a client.
#[derive(Default)]
pub struct Server {
    nonces: HashSet<String>,
    count: u64,
    key: Option<Value>,
    /// Proofs that are to be seen, by token.
    pub shown: std::rc::Rc<std::cell::RefCell<HashMap<String, Proof>>>,
    /// What was asked: method and path.
    pub log: Vec<String>,
    /// Payloads of signed requests, by path.
    pub payloads: HashMap<String, Value>,
    /// What it waited for.
    pub waits: Vec<u64>,
    /// Answers to be given instead: for a path's first requests.
    pub instead: HashMap<&'static str, VecDeque<Response>>,
    /// How many nonces it dislikes.
    dislikes: u32,
    names: Vec<Value>,
    validated: usize,
    csr: Option<String>,
}

pub fn answer(status: u16, body: &Value) -> Response {
    Response { status, fields: vec![], body: body.to_string().into_bytes() }
}

pub fn field(mut response: Response, name: &str, value: &str) -> Response {
    response.fields.push((name.to_owned(), value.to_owned()));
    response
}

fn decode(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().expect("text")).expect("base 64")
}

impl Server {
    /// One that dislikes its first nonces.
    pub fn disliking(nonces: u32) -> Server {
        Server { dislikes: nonces, ..Server::default() }
    }

    fn fresh(&mut self) -> String {
        self.count += 1;
        let nonce = format!("nonce{}", self.count);
        self.nonces.insert(nonce.clone());
        nonce
    }

    /// A signed request's payload; `None`: its nonce is not liked.
    fn open(&mut self, request: &Request) -> Option<Value> {
        assert_eq!(request.fields, [("Content-Type", "application/jose+json")]);
        let message: Value = serde_json::from_slice(&request.body).expect("JSON");
        let head: Value = serde_json::from_slice(&decode(&message["protected"])).expect("JSON");
        assert_eq!((&head["alg"], &head["url"]), (&json!("ES256"), &json!(request.url)));
        let is_first = request.url.ends_with("/account");
        match is_first {
            true => self.key = Some(head["jwk"].clone()),
            false => assert_eq!(head["kid"], "https://ca.example/account/1"),
        }
        assert_eq!(head["kid"].is_null(), is_first);
        let key = self.key.as_ref().expect("a key");
        let point = [vec![4], decode(&key["x"]), decode(&key["y"])].concat();
        let input = format!(
            "{}.{}",
            message["protected"].as_str().expect("text"),
            message["payload"].as_str().expect("text")
        );
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(input.as_bytes(), &decode(&message["signature"]))
            .expect("a signature");
        let known = self.nonces.remove(head["nonce"].as_str().expect("a nonce"));
        assert!(known, "a nonce is used twice");
        if self.dislikes > 0 {
            self.dislikes -= 1;
            return None;
        }
        let payload = decode(&message["payload"]);
        Some(serde_json::from_slice(&payload).unwrap_or(Value::Null))
    }

    fn reply(&mut self, path: &str, payload: &Value) -> Response {
        let base = "https://ca.example";
        let number = |path: &str| path.rsplit('/').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        match path {
            "/account" => field(
                answer(201, &json!({"status": "valid"})),
                "Location",
                "https://ca.example/account/1",
            ),
            "/order" => {
                self.names = payload["identifiers"].as_array().expect("names").clone();
                field(answer(201, &self.order()), "location", "https://ca.example/order/1")
            }
            "/order/1" => answer(200, &self.order()),
            "/finalize/1" => {
                assert_eq!(self.validated, self.names.len());
                self.csr = payload["csr"].as_str().map(str::to_owned);
                answer(200, &self.order())
            }
            "/certificate/1" => {
                let body = include_bytes!("chain.pem").to_vec();
                let links = "<https://ca.example/directory>;rel=\"index\", <https://ca.example/certificate/1/2>;rel=\"alternate\"";
                field(Response { status: 200, fields: vec![], body }, "Link", links)
            }
            path if path.starts_with("/authorization/") => {
                let at: usize = number(path);
                let status = if at < self.validated { "valid" } else { "pending" };
                let challenge = |kind: &str| json!({"type": kind, "status": "pending", "token": format!("token-{at}"), "url": format!("{base}/challenge/{at}")});
                let challenges = ["dns-01", "http-01", "tls-alpn-01"].map(challenge);
                answer(
                    200,
                    &json!({"status": status, "identifier": self.names[at], "challenges": challenges}),
                )
            }
            path if path.starts_with("/challenge/") => {
                assert_eq!(*payload, json!({}));
                let token = format!("token-{}", number(path));
                assert!(self.shown.borrow().contains_key(&token), "{token} is not shown");
                self.validated += 1;
                answer(200, &json!({"status": "processing"}))
            }
            _ => answer(404, &json!({"type": "urn:ietf:params:acme:error:malformed"})),
        }
    }

    fn order(&self) -> Value {
        let authorizations: Vec<_> = (0..self.names.len())
            .map(|at| format!("https://ca.example/authorization/{at}"))
            .collect();
        let status = match &self.csr {
            Some(_) => "valid",
            None if self.validated == self.names.len() => "ready",
            None => "pending",
        };
        let mut order = json!({"status": status, "authorizations": authorizations, "finalize": "https://ca.example/finalize/1"});
        if status == "valid" {
            order["certificate"] = json!("https://ca.example/certificate/1");
        }
        order
    }

    /// The request to sign a certificate, in DER.
    pub fn csr(&self) -> Vec<u8> {
        decode(&json!(self.csr.as_ref().expect("a request")))
    }
}

impl Transport for Server {
    async fn send(&mut self, request: Request) -> Result<Response, String> {
        let path = request.url.strip_prefix("https://ca.example").ok_or("no such host")?.to_owned();
        self.log.push(format!("{} {path}", request.method));
        let mut instead = self.instead.get_mut(&path[..]).and_then(VecDeque::pop_front);
        let nonce = self.fresh();
        let reply = match request.method {
            "POST" => match self.open(&request) {
                None => answer(400, &json!({"type": "urn:ietf:params:acme:error:badNonce", "detail": "old"})),
                Some(payload) => {
                    self.payloads.insert(path.clone(), payload.clone());
                    instead.take().unwrap_or_else(|| self.reply(&path, &payload))
                }
            },
            "HEAD" => {
                assert_eq!(path, "/nonce");
                Response { status: 200, ..Response::default() }
            }
            _ => instead.take().unwrap_or_else(|| match &path[..] {
                "/directory" => answer(200, &json!({
                    "newNonce": "https://ca.example/nonce", "newAccount": "https://ca.example/account",
                    "newOrder": "https://ca.example/order", "renewalInfo": "https://ca.example/renewal/",
                    "revokeCert": "https://ca.example/revoke",
                    "meta": {"termsOfService": "https://ca.example/terms", "externalAccountRequired": false},
                })),
                _ => answer(404, &json!({})),
            }),
        };
        Ok(field(reply, "Replay-Nonce", &nonce))
    }

    async fn wait(&mut self, time: Duration) {
        self.waits.push(time.as_secs());
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_888_800)
    }
}

/// What shows the proofs to the server.
#[derive(Clone, Default)]
pub struct Shows(pub std::rc::Rc<std::cell::RefCell<HashMap<String, Proof>>>, pub Vec<Proof>);

impl Prover for Shows {
    fn show(&mut self, proof: &Proof) -> Result<(), String> {
        let token = match proof {
            Proof::Http01 { token, .. } => token.clone(),
            Proof::TlsAlpn01 { .. } => format!("token-{}", self.1.len()),
        };
        self.0.borrow_mut().insert(token, proof.clone());
        self.1.push(proof.clone());
        Ok(())
    }

    fn hide(&mut self, proof: &Proof) {
        self.0.borrow_mut().retain(|_, shown| shown != proof);
    }
}
