//! A certificate, and when something is to be done for it.

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use acme::{Error, Renewal};
use shm::Board;
use sys::clock::monotonic_ms;

use crate::order::Order;
use crate::plan::{Life, pause, random};
use crate::state;
use crate::stored::{self, Stored};

/// The first pause after a failure: of whom nobody was there to hear, and of others.
const UNHEARD: Duration = Duration::from_secs(2);
const REFUSED: Duration = Duration::from_secs(60);

/// A certificate. Pauses are by the clock that nobody sets, in milliseconds.
pub struct Goal {
    pub order: Rc<Order>,
    pub life: Option<Life>,
    /// When it is renewed: by the certificate's clock, and by the other one, should the first be set back.
    renew: SystemTime,
    renew_ms: u64,
    /// Nothing is ordered before.
    rests_until: u64,
    /// When the issuer is asked for advice.
    ask: u64,
    failures: u32,
    /// How many renewals in a row were advised to be at once.
    hurried: u32,
    /// What has not found its place yet.
    unsettled: Option<Unsettled>,
}

/// A certificate that is not in its file, or not on the board.
struct Unsettled {
    pem: Vec<u8>,
    is_saved: bool,
    is_shown: bool,
    is_told: bool,
}

impl Goal {
    /// Goes on from what there is, in files or on the board: the one that ends later.
    pub fn new(order: &Rc<Order>, board: &Board) -> Goal {
        let now = monotonic_ms();
        let mut goal = Goal {
            order: order.clone(),
            life: None,
            renew: SystemTime::now(),
            renew_ms: now,
            rests_until: now,
            ask: now,
            failures: 0,
            hurried: 0,
            unsettled: None,
        };
        let (file, shown) = (stored::in_file(order), stored::on_board(order, board));
        let [in_file, on_board] =
            [&file, &shown].map(|one| one.as_ref().map(|one| one.pem.clone()));
        if let Some(Stored { pem, life }) = stored::later(file, shown) {
            let is_saved = in_file.as_ref() == Some(&pem) || state::certificate(order).is_none();
            let is_shown = on_board.as_ref() == Some(&pem);
            goal.unsettled = Some(Unsettled { pem, is_saved, is_shown, is_told: false });
            goal.lives(Some(life));
            goal.settle(board);
        }
        goal
    }

    /// A new one has come.
    pub fn has(&mut self, pem: Vec<u8>, board: &Board) {
        self.lives(Life::of(&pem));
        let is_saved = state::certificate(&self.order).is_none();
        self.unsettled = Some(Unsettled { pem, is_saved, is_shown: false, is_told: false });
        self.settle(board);
    }

    fn lives(&mut self, life: Option<Life>) {
        self.failures = 0;
        self.ask = monotonic_ms();
        let due = life.as_ref().map_or_else(SystemTime::now, Life::due);
        self.life = life;
        self.renew_at(due);
    }

    /// Without a place it is no reason to order another: what could not be written is tried again.
    pub fn settle(&mut self, board: &Board) {
        let Some(mut one) = self.unsettled.take() else { return };
        let order = &self.order;
        if !one.is_shown {
            one.is_shown = board.write(&order.name(), &one.pem);
            if !one.is_shown && !one.is_told {
                sys::log!(Alert, "certificate \"{}\" has no room in acme_shared_zone", order.file);
            }
        }
        if let (Some(path), false) = (state::certificate(order), one.is_saved) {
            match state::write(&path, &one.pem) {
                Ok(()) => one.is_saved = true,
                // It is served all the same, but a restart would have to order another.
                Err(error) if !one.is_told => {
                    let why = sys::log::errno(&error);
                    sys::log!(Alert, "\"{}\" cannot be written {why}", path.display());
                }
                Err(_) => {}
            }
        }
        one.is_told = true;
        self.unsettled = Some(one).filter(|one| !(one.is_saved && one.is_shown));
    }

    fn renew_at(&mut self, time: SystemTime) {
        let off = time.duration_since(SystemTime::now()).unwrap_or_default();
        // Farther off than a whole life it is by a clock that is wrong.
        let life = self.life.as_ref().map_or(Duration::ZERO, Life::length);
        self.renew = time;
        self.renew_ms = after(off.min(life));
    }

    /// How long it is until one is ordered; zero: now.
    fn until_due(&self) -> Duration {
        let by_date = self.renew.duration_since(SystemTime::now()).unwrap_or_default();
        let renewal = match self.life {
            Some(_) => by_date.min(until(self.renew_ms)),
            None => Duration::ZERO,
        };
        renewal.max(until(self.rests_until))
    }

    /// Whether one is to be ordered.
    pub fn is_due(&self) -> bool {
        self.until_due().is_zero()
    }

    /// Whether the issuer is to be asked.
    pub fn asks(&self) -> bool {
        self.life.is_some() && self.failures == 0 && until(self.ask).is_zero()
    }

    /// The issuer is not asked before.
    pub fn ask_after(&mut self, pause: Duration) {
        self.ask = after(pause);
    }

    /// How long there is nothing to do.
    pub fn wait(&self) -> Duration {
        let due = self.until_due();
        if self.life.is_some() && self.failures == 0 { due.min(until(self.ask)) } else { due }
    }

    pub fn failed(&mut self, error: &Error) {
        self.failures += 1;
        let first = if matches!(error, Error::Transport(_)) { UNHEARD } else { REFUSED };
        let pause = pause(self.failures, first, error.retry_after());
        self.rests_until = after(pause);
        let (order, seconds) = (&self.order, pause.as_secs());
        let (file, issuer) = (&order.file, &order.issuer.name);
        sys::log!(
            Error,
            "no certificate \"{file}\" from acme_issuer \"{issuer}\": {error}; next try in {seconds} s"
        );
    }

    /// Takes the issuer's advice. Who has chosen a time keeps it as long as it is in the window.
    pub fn advised(&mut self, advice: Renewal) {
        self.ask_after(advice.ask_after);
        let now = SystemTime::now();
        let Some(life) = &self.life else { return };
        if (advice.start..=advice.end).contains(&self.renew) {
            return;
        }
        if advice.end > now {
            self.hurried = 0;
            self.renew_at(advice.at(random()).min(life.latest()));
        } else if self.renew > now {
            // An issuer that says so of each new one would make many.
            let pause = (self.hurried > 0).then(|| pause(self.hurried, REFUSED, None));
            self.rests_until = after(pause.unwrap_or_default());
            self.renew_at(now);
            self.hurried += 1;
        } else {
            return;
        }
        let explanation = advice.explanation.unwrap_or_default();
        let explanation = explanation.replace(|c: char| c.is_control(), " ");
        let (file, seconds) = (&self.order.file, self.until_due().as_secs());
        sys::log!(
            Notice,
            "certificate \"{file}\" is renewed in {seconds} s, as its issuer advises {explanation}"
        );
    }
}

/// A moment, so long after now.
fn after(pause: Duration) -> u64 {
    monotonic_ms().saturating_add(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX))
}

/// How long it is until then.
fn until(moment: u64) -> Duration {
    Duration::from_millis(moment.saturating_sub(monotonic_ms()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use acme::{Account, Identifier, Kind, Wish};
    use shm::Region;
    use tls::outgoing::{Outgoing, Trust};

    use crate::issuer::Issuer;

    const DAY: Duration = Duration::from_secs(86_400);

    /// A certificate that was wanted, of which nothing is kept in files.
    fn order() -> Rc<Order> {
        let issuer = Issuer {
            name: "one".to_owned(),
            uri: String::new(),
            key: None,
            account: Account::default(),
            challenge: Kind::default(),
            preferred_chain: None,
            profile: None,
            outgoing: Outgoing::new(Trust::All).expect("a configuration"),
            state: None,
        };
        let wish = Wish { identifiers: vec![Identifier::of("a.example")], ..Wish::default() };
        Rc::new(Order { issuer: Rc::new(issuer), wish, file: "a.example".to_owned() })
    }

    fn board(longest: usize) -> Board {
        let board = Board::new(longest);
        board.open(Arc::new(Region::create("board", board.size(2)).expect("memory")));
        board
    }

    /// One that has a certificate of 90 days, half of which are over.
    fn living() -> Goal {
        let mut goal = Goal::new(&order(), &board(100));
        let now = SystemTime::now();
        goal.lives(Some(Life { start: now - DAY * 45, end: now + DAY * 45, id: None }));
        goal
    }

    #[test]
    fn without_a_certificate_one_is_due_at_once() {
        let goal = Goal::new(&order(), &board(100));
        assert!(goal.is_due() && !goal.asks());
    }

    #[test]
    fn what_has_no_room_is_tried_again_and_not_ordered() {
        let mut goal = living();
        let one = |pem: &[u8]| Unsettled {
            pem: pem.to_vec(),
            is_saved: true,
            is_shown: false,
            is_told: false,
        };
        goal.unsettled = Some(one(&[7; 200]));
        goal.settle(&board(100));
        assert!(goal.unsettled.as_ref().is_some_and(|one| one.is_told) && !goal.is_due());
        let larger = board(300);
        goal.settle(&larger);
        assert!(goal.unsettled.is_none());
        assert_eq!(larger.read("one/a.example"), Some(vec![7; 200]));
    }

    #[test]
    fn a_clock_that_is_set_back_puts_nothing_off() {
        let mut goal = living();
        assert!(!goal.is_due() && goal.until_due() < DAY * 20);
        // By the date it is a year until then.
        goal.renew += DAY * 365;
        assert!(goal.until_due() < DAY * 20);
        goal.renew_ms = monotonic_ms();
        assert!(goal.is_due());
        // One that was wrong from the beginning is believed for a whole life at most.
        goal.renew_at(SystemTime::now() + DAY * 36_500);
        assert!(goal.until_due() <= DAY * 90);
        // And set forward, the date decides.
        goal.renew = SystemTime::now();
        assert!(goal.is_due());
        goal.failed(&Error::Wish("it is so".to_owned()));
        assert!(!goal.is_due() && goal.until_due() <= REFUSED);
    }

    #[test]
    fn an_issuer_that_says_at_once_of_each_new_one_is_not_followed_at_once() {
        let mut goal = living();
        let advice = || Renewal {
            start: SystemTime::UNIX_EPOCH,
            end: SystemTime::UNIX_EPOCH + DAY,
            explanation: None,
            ask_after: DAY,
        };
        goal.advised(advice());
        assert!(goal.is_due() && !goal.asks());
        goal.lives(living().life);
        assert!(!goal.is_due());
        goal.advised(advice());
        let rests_until = goal.rests_until;
        assert!(!goal.is_due() && goal.until_due() <= REFUSED);
        goal.advised(advice());
        assert_eq!(goal.rests_until, rests_until, "asked again, it is put off no more");
    }
}
