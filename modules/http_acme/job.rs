//! What the helper does: orders certificates, and renews them.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use acme::{AccountKey, Client, Error, Issued};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use shm::Board;
use tls::x509::Certificate;

use crate::challenge::Shown;
use crate::issuer::Issuer;
use crate::order::Order;
use crate::plan::{Life, pause, random};
use crate::state;
use crate::transport::Net;

/// Milliseconds between two tries to be the one, and between signs of life.
const BEAT: u64 = 500;
/// It looks at the clock at least so often: that may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// The first pause after a failure: of whom nobody was there to hear, and of others.
const UNHEARD: Duration = Duration::from_secs(2);
const REFUSED: Duration = Duration::from_secs(60);
/// An issuer without advice may have some later.
const ADVICE: Duration = Duration::from_secs(6 * 3600);

/// Waits until no other helper is at it, in this server or in the one that it takes the place of; then begins.
pub async fn run(board: Arc<Board>, orders: Vec<Rc<Order>>) {
    while !board.lead() {
        rt::sleep(BEAT).await;
    }
    let mut issuers: Vec<Rc<Issuer>> = Vec::new();
    for order in &orders {
        if !issuers.iter().any(|known| Rc::ptr_eq(known, &order.issuer)) {
            issuers.push(order.issuer.clone());
        }
    }
    let keys = issuers.iter().map(|issuer| key_name(issuer));
    let names = orders.iter().map(|order| order.name());
    let known: Vec<_> = names.chain(keys).map(|name| Board::hash(&name)).collect();
    board.retain(|hash| known.contains(&hash));
    for issuer in issuers {
        let of_it = |order: &&Rc<Order>| Rc::ptr_eq(&order.issuer, &issuer);
        let goals = orders.iter().filter(of_it).map(|order| Goal::new(order, &board));
        let goals = goals.collect();
        rt::spawn(pursue(board.clone(), issuer.clone(), goals));
    }
    loop {
        board.beat();
        rt::sleep(BEAT).await;
    }
}

fn key_name(issuer: &Issuer) -> String {
    format!("{}/account.key", issuer.name)
}

/// A certificate, and when something is to be done for it.
struct Goal {
    order: Rc<Order>,
    life: Option<Life>,
    due: SystemTime,
    /// When the issuer is asked for advice.
    ask: SystemTime,
    failures: u32,
    /// How many renewals in a row were advised to be at once.
    hurried: u32,
}

impl Goal {
    /// Goes on from what there is: in files, or else on the board.
    fn new(order: &Rc<Order>, board: &Board) -> Goal {
        let now = SystemTime::now();
        let mut goal =
            Goal { order: order.clone(), life: None, due: now, ask: now, failures: 0, hurried: 0 };
        let in_file = state::certificate(order).and_then(|path| match state::read(&path) {
            Ok(pem) => pem,
            Err(error) => {
                sys::log!(Error, "\"{}\" cannot be read ({error})", path.display());
                None
            }
        });
        let on_board = board.read(&order.name());
        let usable = |pem: &Vec<u8>| tls::fresh::check(pem).is_ok();
        if let Some(pem) = in_file.filter(usable).or(on_board.clone()) {
            if on_board.as_ref() != Some(&pem) {
                board.write(&order.name(), &pem);
            }
            goal.has(&pem);
        }
        goal
    }

    fn has(&mut self, pem: &[u8]) {
        self.failures = 0;
        self.life = Life::of(pem);
        self.ask = SystemTime::now();
        self.due = self.life.as_ref().map_or(self.ask, Life::due);
    }

    fn failed(&mut self, error: &Error) {
        self.failures += 1;
        let first = if matches!(error, Error::Transport(_)) { UNHEARD } else { REFUSED };
        let pause = pause(self.failures, first, error.retry_after());
        self.due = SystemTime::now() + pause;
        let (order, seconds) = (&self.order, pause.as_secs());
        let (file, issuer) = (&order.file, &order.issuer.name);
        sys::log!(
            Error,
            "no certificate \"{file}\" from acme_issuer \"{issuer}\": {error}; next try in {seconds} s"
        );
    }
}

/// Sees to all certificates of an issuer, one after the other.
async fn pursue(board: Arc<Board>, issuer: Rc<Issuer>, mut goals: Vec<Goal>) {
    loop {
        let now = SystemTime::now();
        for goal in &mut goals {
            if goal.life.is_some() && goal.ask <= now && goal.failures == 0 {
                Box::pin(advise(&board, &issuer, goal)).await;
            }
            if goal.due <= SystemTime::now() {
                match Box::pin(obtain(&board, &issuer, goal)).await {
                    Ok(pem) => goal.has(&pem),
                    Err(error) => goal.failed(&error),
                }
            }
        }
        let due = goals.iter().flat_map(|goal| match goal.failures {
            0 if goal.life.is_some() => [goal.due, goal.ask],
            _ => [goal.due, goal.due],
        });
        let wait = due.min().and_then(|due| due.duration_since(SystemTime::now()).ok());
        let wait = wait.unwrap_or_default().clamp(Duration::from_millis(200), LONGEST_SLEEP);
        rt::sleep(wait.as_millis() as u64).await;
    }
}

/// Asks when the certificate should be renewed (ARI). Who has chosen a time keeps it as long as it is in the window.
async fn advise(board: &Board, issuer: &Issuer, goal: &mut Goal) {
    goal.ask = SystemTime::now() + ADVICE;
    let Some((life, id)) = goal.life.as_ref().and_then(|life| Some((life, life.id.as_ref()?)))
    else {
        return;
    };
    let advice = async {
        let net = Net(issuer.outgoing.clone());
        let mut client = Client::new(net, &issuer.uri, key(board, issuer)?).await?;
        client.renewal(id).await
    };
    match advice.await {
        Ok(Some(advice)) => {
            goal.ask = SystemTime::now() + advice.ask_after;
            if !(advice.start..=advice.end).contains(&goal.due) {
                let now = SystemTime::now();
                goal.due = advice.at(random()).min(life.latest());
                if advice.end > now {
                    goal.hurried = 0;
                } else {
                    // An issuer that says so of each new one would make many.
                    let pause = (goal.hurried > 0).then(|| pause(goal.hurried, REFUSED, None));
                    goal.due = now + pause.unwrap_or_default();
                    goal.hurried += 1;
                }
                let explanation = advice.explanation.unwrap_or_default();
                let explanation = explanation.replace(|c: char| c.is_control(), " ");
                let when = goal.due.duration_since(SystemTime::now()).unwrap_or_default();
                let file = &goal.order.file;
                sys::log!(
                    Notice,
                    "certificate \"{file}\" is renewed in {} s, as its issuer advises {explanation}",
                    when.as_secs()
                );
            }
        }
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
    let known = match &path {
        Some(path) => state::read(path).map_err(|error| failed(path, error))?,
        None => board.read(&key_name(issuer)),
    };
    if let Some(pem) = known {
        return AccountKey::from_pem(&pem);
    }
    let new = AccountKey::generate()?;
    match &path {
        Some(path) => {
            state::write(path, new.pem().as_bytes()).map_err(|error| failed(path, error))?
        }
        None => drop(board.write(&key_name(issuer), new.pem().as_bytes())),
    }
    Ok(new)
}

/// Has a certificate made, keeps it, and gives it to the workers.
async fn obtain(board: &Arc<Board>, issuer: &Issuer, goal: &Goal) -> Result<Vec<u8>, Error> {
    let order = &goal.order;
    sys::log!(
        Notice,
        "certificate \"{}\" is ordered from acme_issuer \"{}\"",
        order.file,
        issuer.name
    );
    let net = Net(issuer.outgoing.clone());
    let mut client = Client::new(net, &issuer.uri, key(board, issuer)?).await?;
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
    let issued = Box::pin(client.issue(&wish, &mut Shown(board.clone()))).await?;
    let chain = match &issuer.preferred_chain {
        Some(wanted) => preferred(&mut client, &issued, wanted).await,
        None => issued.chain,
    };
    let pem = format!("{chain}\n{}", issued.key).into_bytes();
    tls::fresh::check(&pem)
        .map_err(|why| Error::Wish(format!("what it gives is no use: {why}")))?;
    if let Some(path) = state::certificate(order)
        && let Err(error) = state::write(&path, &pem)
    {
        // It is served all the same, but a restart would have to order another.
        sys::log!(Alert, "\"{}\" cannot be written {}", path.display(), sys::log::errno(&error));
    }
    if !board.write(&order.name(), &pem) {
        return Err(Error::Wish("it has no room in acme_shared_zone".to_owned()));
    }
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
