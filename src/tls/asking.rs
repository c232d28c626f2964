//! A handshake that waits for issuers: they are asked about the client's certificates before it is complete (`ssl_ocsp`).

use std::io::{self, ErrorKind};

use rt::Conn;

use crate::clients::Clients;
use crate::issuers::{Inquiry, Standing};
use crate::session::{Session, unfinished};
use crate::verdict::Verdict;

impl Session {
    /// Whether the handshake waits for issuers, who are asked about the client's certificates.
    pub fn is_asking(&self) -> bool {
        self.inquiry.as_ref().is_some_and(|inquiry| inquiry.standing().is_none())
    }

    /// What issuers have said for a server; `None`: they were not asked for it.
    pub(crate) fn standing(&self, clients: &Clients) -> Option<Standing> {
        let asked_for = self.chosen()?.tls.clients()?;
        let inquiry = self.inquiry.as_ref().filter(|_| std::ptr::eq(asked_for, clients))?;
        inquiry.standing()
    }

    /// Asks them, if the server wants that and would let the client in: `WouldBlock` until they have answered.
    pub(crate) fn ask_issuers(&mut self, conn: Conn) -> io::Result<()> {
        let begin = || {
            let clients = self.chosen()?.tls.clients()?;
            let issuers = clients.issuers.as_ref()?;
            let chain = self.client_chain()?;
            let judge = &clients.authorities;
            let path =
                judge.path(chain).filter(|_| judge.judge(Some(chain)) == Verdict::Success)?;
            Some(Inquiry::begin(issuers, path, conn))
        };
        if self.inquiry.is_none() {
            self.inquiry = begin();
        }
        if self.is_asking() {
            // Nobody is about to write: tickets need not wait for an answer.
            self.records()?.flush(conn)?;
            return match self.is_given_up(conn) {
                true => Err(unfinished()),
                false => Err(ErrorKind::WouldBlock.into()),
            };
        }
        Ok(())
    }

    /// Whether the client has gone without having asked for anything.
    fn is_given_up(&self, conn: Conn) -> bool {
        let nothing = || matches!(sys::stream::peek(conn.fd(), &mut [0]), Ok(0));
        conn.is_broken() || conn.hung_up() && !self.has_plain() && nothing()
    }
}
