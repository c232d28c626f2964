//! The way of an order (RFC 8555, 7.4, 7.5).

use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;

use crate::challenge::{Identifier, Kind, Proof};
use crate::client::Client;
use crate::error::{Error, Problem};
use crate::key::{KeyType, encode, pem};
use crate::message::{Authorization, Challenge, Order, read};
use crate::transport::{Response, Transport};

/// The longest that it is waited between two looks, whatever the server says.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What is wanted.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The names of the certificate.
    pub identifiers: Vec<Identifier>,
    /// How they are proven.
    pub challenge: Kind,
    /// Its key.
    pub key_type: KeyType,
    /// The server's profile.
    pub profile: Option<String>,
    /// The certificate that it takes the place of, by [`crate::certificate_id`].
    pub replaces: Option<String>,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// It and its issuers', in PEM.
    pub chain: String,
    /// Its key: PKCS#8, in PEM.
    pub key: String,
    /// Where other chains of it are (7.4.2).
    pub alternates: Vec<String>,
}

/// Shows proofs, and takes them away.
pub trait Prover {
    /// From now on it must be seen.
    fn show(&mut self, proof: &Proof) -> Result<(), String>;
    /// Nobody looks any more.
    fn hide(&mut self, proof: &Proof);
}

impl<T: Transport> Client<T> {
    /// Has a certificate made, with a new key. The account must be there.
    pub async fn issue(&mut self, wish: &Wish, prover: &mut impl Prover) -> Result<Issued, Error> {
        let star = wish.identifiers.iter().find(|name| name.text().starts_with("*."));
        if let Some(star) = star {
            let (star, kind) = (star.text(), wish.challenge.name());
            return Err(Error::Wish(format!("{star} cannot be proven by {kind}")));
        }
        let (url, mut order) = self.order(wish).await?;
        if order.status == "pending" {
            for authorization in std::mem::take(&mut order.authorizations) {
                self.authorize(&authorization, wish, prover).await?;
            }
            order = self.settled(&url, &["pending"], "the order is pending").await?;
        }
        if order.status != "ready" {
            return Err(unfit(order));
        }
        let (request, key) = request(wish)?;
        let payload = json!({"csr": encode(&request)});
        self.post(&order.finalize, Some(payload)).await?;
        let underway = ["ready", "processing"];
        let order = self.settled(&url, &underway, "the certificate is not made").await?;
        match (&order.status[..], &order.certificate) {
            ("valid", Some(certificate)) => self.download(certificate, key).await,
            _ => Err(unfit(order)),
        }
    }

    async fn order(&mut self, wish: &Wish) -> Result<(String, Order), Error> {
        let identifiers: Vec<_> = wish.identifiers.iter().map(Identifier::json).collect();
        let mut wanted = json!({"identifiers": identifiers});
        if let Some(profile) = &wish.profile {
            wanted["profile"] = profile[..].into();
        }
        if let Some(replaces) = &wish.replaces {
            wanted["replaces"] = replaces[..].into();
        }
        let url = self.directory.new_order.clone();
        let response = match self.post(&url, Some(wanted.clone())).await {
            // RFC 9773, 5: the server may know nothing of the old one, or have a new one already.
            Err(Error::Refused(problem)) if wish.replaces.is_some() && problem.status != 429 => {
                if let Some(members) = wanted.as_object_mut() {
                    members.remove("replaces");
                }
                self.post(&url, Some(wanted)).await?
            }
            other => other?,
        };
        let location = response.field("location").ok_or(Error::protocol("order's location"))?;
        Ok((location.to_owned(), read(&response, "order")?))
    }

    /// Proves one name.
    async fn authorize(
        &mut self,
        url: &str,
        wish: &Wish,
        prover: &mut impl Prover,
    ) -> Result<(), Error> {
        let kind = wish.challenge;
        let response = self.post(url, None).await?;
        let authorization: Authorization = read(&response, "authorization")?;
        let name = &authorization.identifier.value;
        match &authorization.status[..] {
            "valid" => return Ok(()),
            "pending" => {}
            _ => return Err(unproven(&authorization)),
        }
        // Whoever looks for a proof of another name gets none.
        let identifier = Identifier::of(name);
        if !wish.identifiers.contains(&identifier) {
            return Err(Error::protocol(format!("authorization: \"{name}\" was not ordered")));
        }
        let fits = |challenge: &&Challenge| challenge.kind == kind.name();
        let Some(challenge) = authorization.challenges.iter().find(fits) else {
            let offered: Vec<_> = authorization.challenges.iter().map(|c| &c.kind[..]).collect();
            let (kind, offered) = (kind.name(), offered.join(", "));
            let why = format!("the ACME server does not take {kind} for {name}, but {offered}");
            return Err(Error::Wish(why));
        };
        let proof = Proof::new(kind, identifier, &challenge.token, &self.key)?;
        prover.show(&proof).map_err(Error::Prover)?;
        let seen = self.wait_for_proof(url, &challenge.url).await;
        prover.hide(&proof);
        seen
    }

    async fn wait_for_proof(&mut self, url: &str, challenge: &str) -> Result<(), Error> {
        self.post(challenge, Some(json!({}))).await?;
        let mut waits = Waits::default();
        loop {
            let response = self.post(url, None).await?;
            let authorization: Authorization = read(&response, "authorization")?;
            match &authorization.status[..] {
                "valid" => return Ok(()),
                "pending" | "processing" => {}
                _ => return Err(unproven(&authorization)),
            }
            self.pause(&mut waits, &response, "a proof is not looked at").await?;
        }
    }

    /// The order, when it has none of these states any more.
    async fn settled(
        &mut self,
        url: &str,
        states: &[&str],
        what: &'static str,
    ) -> Result<Order, Error> {
        let mut waits = Waits::default();
        loop {
            let response = self.post(url, None).await?;
            let order: Order = read(&response, "order")?;
            if !states.contains(&&order.status[..]) {
                return Ok(order);
            }
            self.pause(&mut waits, &response, what).await?;
        }
    }

    /// Waits before the next look: as long as the server says, or longer each time.
    async fn pause(
        &mut self,
        waits: &mut Waits,
        response: &Response,
        what: &'static str,
    ) -> Result<(), Error> {
        let own = Duration::from_secs(1 << waits.count.min(4));
        let said = response.retry_after(self.transport.now());
        let time = said.unwrap_or(own).clamp(Duration::from_secs(1), LONGEST_WAIT);
        waits.count += 1;
        waits.total += time;
        if waits.total > self.patience {
            return Err(Error::Patience(what));
        }
        self.transport.wait(time).await;
        Ok(())
    }

    async fn download(&mut self, url: &str, key: String) -> Result<Issued, Error> {
        let response = self.post(url, None).await?;
        let certificates = CertificateDer::pem_slice_iter(&response.body);
        if certificates.filter_map(Result::ok).next().is_none() {
            return Err(Error::protocol("certificate"));
        }
        let chain = String::from_utf8(response.body.clone());
        let chain = chain.map_err(|_| Error::protocol("certificate in PEM"))?;
        let links = response.fields_of("link").flat_map(|field| field.split(','));
        let alternates = links.filter_map(alternate).collect();
        Ok(Issued { chain, key, alternates })
    }

    /// Another chain of the same certificate.
    pub async fn alternate(&mut self, url: &str) -> Result<String, Error> {
        let other = self.download(url, String::new()).await?;
        Ok(other.chain)
    }
}

#[derive(Default)]
struct Waits {
    count: u32,
    total: Duration,
}

/// The request to sign the names' certificate (PKCS#10), and the key in PEM.
fn request(wish: &Wish) -> Result<(Vec<u8>, String), Error> {
    let failed = |error| Error::Wish(format!("no request for a certificate: {error}"));
    let names: Vec<_> = wish.identifiers.iter().map(Identifier::text).collect();
    let mut wanted = CertificateParams::new(names).map_err(failed)?;
    wanted.distinguished_name = DistinguishedName::new();
    let key = wish.key_type.generate()?;
    let request = wanted.serialize_request(&key).map_err(failed)?;
    Ok((request.der().to_vec(), pem("PRIVATE KEY", &key.serialize_der())))
}

/// The target of a link to another chain: `<URL>;rel="alternate"` (RFC 8288).
fn alternate(link: &str) -> Option<String> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let mut parameters = parameters.split(';').map(str::trim);
    let is = parameters.any(|one| matches!(one, r#"rel="alternate""# | "rel=alternate"));
    is.then(|| target.to_owned())
}

fn unfit(order: Order) -> Error {
    match order.error {
        Some(problem) => Error::Refused(problem.into()),
        None => Error::protocol(format!("certificate: the order is {}", order.status)),
    }
}

fn unproven(authorization: &Authorization) -> Error {
    let found = authorization.challenges.iter().find_map(|challenge| challenge.error.clone());
    let unsaid = || Problem { detail: authorization.status.clone(), ..Problem::default() };
    Error::Unproven(authorization.identifier.value.clone(), found.unwrap_or_else(unsaid).into())
}
