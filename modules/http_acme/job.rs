//! What the helper does: orders certificates, and renews them.

use std::collections::HashSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use acme::{AccountKey, Client, Error, Issued};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use shm::Board;
use tls::x509::Certificate;

use crate::boards::Boards;
use crate::challenge::Shown;
use crate::goal::Goal;
use crate::issuer::Issuer;
use crate::order::Order;
use crate::state;
use crate::transport::Net;

/// Milliseconds between two tries to be the one, and between signs of life.
const BEAT: u64 = 500;
/// It looks at the clock at least so often: that may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// An issuer without advice may have some later.
const ADVICE: Duration = Duration::from_secs(6 * 3600);

/// Waits until no other helper is at it, in this server or in the one that it takes the place of; then begins.
pub async fn run(boards: Boards, orders: Vec<Rc<Order>>) {
    let Boards { certificates, proofs } = &boards;
    while !certificates.lead() {
        rt::sleep(BEAT).await;
    }
    // Another one, whose memory for certificates has another size, may yet be at it.
    while !proofs.lead() {
        certificates.beat();
        rt::sleep(BEAT).await;
    }
    let mut issuers: Vec<Rc<Issuer>> = Vec::new();
    for order in &orders {
        if !issuers.iter().any(|known| Rc::ptr_eq(known, &order.issuer)) {
            issuers.push(order.issuer.clone());
        }
    }
    let keys = issuers.iter().filter_map(|issuer| issuer.key_on_board());
    let known: HashSet<String> = orders.iter().map(|order| order.name()).chain(keys).collect();
    certificates.retain(|name| known.contains(name));
    proofs.retain(|_| false);
    for issuer in issuers {
        let of_it = |order: &&Rc<Order>| Rc::ptr_eq(&order.issuer, &issuer);
        let goals = orders.iter().filter(of_it).map(|order| Goal::new(order, certificates));
        let goals = goals.collect();
        rt::spawn(pursue(boards.clone(), issuer.clone(), goals));
    }
    loop {
        certificates.beat();
        rt::sleep(BEAT).await;
    }
}

/// Sees to all certificates of an issuer, one after the other.
async fn pursue(boards: Boards, issuer: Rc<Issuer>, mut goals: Vec<Goal>) {
    loop {
        for goal in &mut goals {
            goal.settle(&boards.certificates);
            if goal.asks() {
                Box::pin(advise(&boards.certificates, &issuer, goal)).await;
            }
            if goal.is_due() {
                match Box::pin(obtain(&boards, &issuer, goal)).await {
                    Ok(pem) => goal.has(pem, &boards.certificates),
                    Err(error) => goal.failed(&error),
                }
            }
        }
        let wait = goals.iter().map(Goal::wait).min().unwrap_or_default();
        let wait = wait.clamp(Duration::from_millis(200), LONGEST_SLEEP);
        rt::sleep(wait.as_millis() as u64).await;
    }
}

/// Asks when the certificate should be renewed (ARI).
async fn advise(board: &Board, issuer: &Issuer, goal: &mut Goal) {
    goal.ask_after(ADVICE);
    let Some(id) = goal.life.as_ref().and_then(|life| life.id.as_ref()) else { return };
    let advice = async {
        let net = Net(issuer.outgoing.clone());
        let mut client = Client::new(net, &issuer.uri, key(board, issuer)?).await?;
        client.renewal(id).await
    };
    match advice.await {
        Ok(Some(advice)) => goal.advised(advice),
        Ok(None) => {}
        Err(error) => {
            sys::log!(Warn, "acme_issuer \"{}\" gives no advice: {error}", issuer.name);
        }
    }
}

/// The account's key: the one that is configured, or that was made before, or a new one.
fn key(board: &Board, issuer: &Issuer) -> Result<AccountKey, Error> {
    let failed = |path: &Path, error: std::io::Error| {
        Error::Wish(format!("\"{}\": {}", path.display(), sys::log::errno(&error)))
    };
    if let Some(pem) = &issuer.key {
        return AccountKey::from_pem(pem);
    }
    let path = issuer.state.as_ref().map(|folder| state::account(&folder.path));
    let on_board = issuer.key_on_board().unwrap_or_default();
    let known = match &path {
        Some(path) => state::read(path).map_err(|error| failed(path, error))?,
        None => board.read(&on_board),
    };
    if let Some(pem) = known {
        return AccountKey::from_pem(&pem);
    }
    let new = AccountKey::generate()?;
    match &path {
        Some(path) => {
            state::write(path, new.pem().as_bytes()).map_err(|error| failed(path, error))?
        }
        None => drop(board.write(&on_board, new.pem().as_bytes())),
    }
    Ok(new)
}

/// Has a certificate made.
async fn obtain(boards: &Boards, issuer: &Issuer, goal: &Goal) -> Result<Vec<u8>, Error> {
    let order = &goal.order;
    sys::log!(
        Notice,
        "certificate \"{}\" is ordered from acme_issuer \"{}\"",
        order.file,
        issuer.name
    );
    let net = Net(issuer.outgoing.clone());
    let mut client = Client::new(net, &issuer.uri, key(&boards.certificates, issuer)?).await?;
    if let (Some(terms), false) = (client.terms(), issuer.account.terms_agreed) {
        sys::log!(
            Notice,
            "the terms of acme_issuer \"{}\" are at {}",
            issuer.name,
            terms.escape_debug()
        );
    }
    client.account(&issuer.account).await?;
    let mut wish = order.wish.clone();
    wish.replaces = goal.life.as_ref().and_then(|life| life.id.clone());
    let issued = Box::pin(client.issue(&wish, &mut Shown(boards.proofs.clone()))).await?;
    let chain = match &issuer.preferred_chain {
        Some(wanted) => preferred(&mut client, &issued, wanted).await,
        None => issued.chain,
    };
    let pem = format!("{chain}\n{}", issued.key).into_bytes();
    tls::fresh::check(&pem)
        .map_err(|why| Error::Wish(format!("what it gives is no use: {why}")))?;
    sys::log!(Notice, "certificate \"{}\" has come", order.file);
    Ok(pem)
}

/// The chain that ends by this authority, if there is one.
async fn preferred(client: &mut Client<Net>, issued: &Issued, wanted: &str) -> String {
    if ends_by(&issued.chain, wanted) {
        return issued.chain.clone();
    }
    for url in &issued.alternates {
        match client.alternate(url).await {
            Ok(chain) if ends_by(&chain, wanted) => return chain,
            Ok(_) => {}
            Err(error) => sys::log!(Warn, "another chain cannot be had: {error}"),
        }
    }
    sys::log!(Warn, "no chain ends by \"{wanted}\", the issuer's own is taken");
    issued.chain.clone()
}

fn ends_by(chain: &str, wanted: &str) -> bool {
    let last = CertificateDer::pem_slice_iter(chain.as_bytes()).filter_map(Result::ok).last();
    let name = last.and_then(|last| Certificate::parse(&last).ok()?.issuer.common_name());
    name.as_deref() == Some(wanted)
}
