//! Requests that are signed, each with the nonce of the answer before (RFC 8555, 6).

use std::time::Duration;

use serde_json::{Value, json};

use crate::error::{Error, Problem};
use crate::key::{AccountKey, decode, sign_with_mac};
use crate::message::{Directory, read};
use crate::transport::{Request, Response, Transport};

/// How often a request is signed again because the server did not like its nonce.
const TRIES: usize = 4;

/// Whose account it is.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Where the server may write to: `mailto:` …
    pub contact: Vec<String>,
    /// Whether its terms are agreed to.
    pub terms_agreed: bool,
    /// The account elsewhere that it belongs to, where the server wants one.
    pub external: Option<External>,
}

/// An account elsewhere (RFC 8555, 7.3.4).
#[derive(Clone, Debug)]
pub struct External {
    /// Its key's name.
    pub id: String,
    /// The key, in base 64 as in URLs, as such servers hand it out.
    pub key: String,
}

/// A client of one server, with one account.
pub struct Client<T> {
    pub(crate) transport: T,
    pub(crate) directory: Directory,
    pub(crate) key: AccountKey,
    account: Option<String>,
    nonce: Option<String>,
    /// How long it is waited for the end of one step.
    pub patience: Duration,
}

impl<T: Transport> Client<T> {
    /// Asks the server where everything is.
    pub async fn new(mut transport: T, url: &str, key: AccountKey) -> Result<Client<T>, Error> {
        let response = get(&mut transport, "GET", url).await?;
        let directory = read(&response, "directory")?;
        let patience = Duration::from_secs(300);
        Ok(Client { transport, directory, key, account: None, nonce: None, patience })
    }

    /// Has the account of the key: the one that it has, or a new one. Gives its URL.
    pub async fn account(&mut self, account: &Account) -> Result<&str, Error> {
        let url = self.directory.new_account.clone();
        let mut wanted = json!({"termsOfServiceAgreed": account.terms_agreed});
        if !account.contact.is_empty() {
            wanted["contact"] = json!(account.contact);
        }
        match &account.external {
            Some(external) => wanted["externalAccountBinding"] = self.bound(external, &url)?,
            None if self.directory.meta.external_account_required => {
                return Err(Error::Wish("the ACME server wants an external account's key".into()));
            }
            None => {}
        }
        self.account = None;
        let response = self.post(&url, Some(wanted)).await?;
        let location = response.field("location").ok_or(Error::protocol("account's location"))?;
        Ok(self.account.insert(location.to_owned()))
    }

    /// The terms that an account agrees to.
    pub fn terms(&self) -> Option<&str> {
        self.directory.meta.terms_of_service.as_deref()
    }

    /// The transport, and the key, when all is done.
    pub fn into_parts(self) -> (T, AccountKey) {
        (self.transport, self.key)
    }

    fn bound(&self, external: &External, url: &str) -> Result<Value, Error> {
        let key = decode(&external.key);
        let key =
            key.ok_or_else(|| Error::Wish("the external account's key is no base 64".into()))?;
        let payload = self.key.jwk().to_string();
        let protected = json!({"kid": external.id, "url": url});
        let signed = sign_with_mac(&key, protected, payload.as_bytes())?;
        serde_json::from_slice(&signed).map_err(|error| Error::Wish(error.to_string()))
    }

    /// A signed request; without a payload it is what GET is elsewhere (6.3).
    pub(crate) async fn post(
        &mut self,
        url: &str,
        payload: Option<Value>,
    ) -> Result<Response, Error> {
        let payload = payload.map(|payload| payload.to_string()).unwrap_or_default();
        let mut tries = 0;
        loop {
            tries += 1;
            let nonce = self.nonce().await?;
            let mut protected = json!({"nonce": nonce, "url": url});
            match &self.account {
                Some(account) => protected["kid"] = account[..].into(),
                None => protected["jwk"] = self.key.jwk(),
            }
            let body = self.key.sign(protected, payload.as_bytes())?;
            let fields = vec![("Content-Type", "application/jose+json")];
            let request = Request { method: "POST", url: url.to_owned(), fields, body };
            let response = self.transport.send(request).await.map_err(Error::Transport)?;
            self.nonce = response.field("replay-nonce").map(str::to_owned);
            if matches!(response.status, 200..=299) {
                return Ok(response);
            }
            let problem = Problem::of(&response, self.transport.now());
            if !problem.is("badNonce") || tries == TRIES {
                return Err(Error::Refused(problem));
            }
        }
    }

    /// A nonce that was not used yet (7.2).
    async fn nonce(&mut self) -> Result<String, Error> {
        if let Some(nonce) = self.nonce.take() {
            return Ok(nonce);
        }
        let response = get(&mut self.transport, "HEAD", &self.directory.new_nonce).await?;
        let nonce = response.field("replay-nonce").map(str::to_owned);
        nonce.ok_or(Error::protocol("nonce"))
    }
}

/// A request that is not signed.
pub(crate) async fn get<T: Transport>(
    transport: &mut T,
    method: &'static str,
    url: &str,
) -> Result<Response, Error> {
    let request = Request { method, url: url.to_owned(), fields: vec![], body: vec![] };
    let response = transport.send(request).await.map_err(Error::Transport)?;
    match response.status {
        200..=299 => Ok(response),
        _ => Err(Error::Refused(Problem::of(&response, transport.now()))),
    }
}
