//! A DNS server whose answers a test changes, and origins at addresses of their own.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use support::dns::{Dns, ResponseCode};

use crate::origin::{Exchange, Origin};

/// What is answered.
enum Answers {
    Records(Vec<String>),
    Failure(ResponseCode),
    Nothing,
}

/// The server.
pub struct Zone {
    /// It.
    pub dns: Dns,
    answers: Arc<Mutex<Answers>>,
}

impl Zone {
    fn with(answers: Answers) -> Zone {
        let answers = Arc::new(Mutex::new(answers));
        let current = answers.clone();
        let dns = Dns::new(move |asked| match &*current.lock().expect("no panic") {
            Answers::Records(records) => {
                let records: Vec<&str> = records.iter().map(String::as_str).collect();
                vec![asked.of_zone(&records)]
            }
            Answers::Failure(code) => vec![asked.fails(*code)],
            Answers::Nothing => Vec::new(),
        });
        Zone { dns, answers }
    }

    /// One that knows these records.
    pub fn of(records: &[&str]) -> Zone {
        Zone::with(Answers::Records(owned(records)))
    }

    /// One that says nothing.
    pub fn silent() -> Zone {
        Zone::with(Answers::Nothing)
    }

    /// It knows these from now on.
    pub fn set(&self, records: &[&str]) {
        self.answer(Answers::Records(owned(records)));
    }

    /// It fails from now on.
    pub fn fail(&self, code: ResponseCode) {
        self.answer(Answers::Failure(code));
    }

    /// It says nothing from now on.
    pub fn hush(&self) {
        self.answer(Answers::Nothing);
    }

    /// Waits until so many more questions have come.
    pub fn wait_for(&self, questions: usize) {
        let most = self.dns.count() + questions;
        support::wait_for("questions", || self.dns.count() >= most);
    }

    fn answer(&self, answers: Answers) {
        *self.answers.lock().expect("no panic") = answers;
    }
}

fn owned(records: &[&str]) -> Vec<String> {
    records.iter().map(|&record| record.to_owned()).collect()
}

/// An origin at this address, which says what that is.
pub fn origin_at(address: &'static str, port: u16) -> Origin {
    scripted_at(address, port, move |exchange| {
        exchange.body();
        exchange.answer("200 OK", "", address)
    })
}

/// One that does this with each request.
pub fn scripted_at(
    address: &str,
    port: u16,
    script: impl Fn(&mut Exchange) -> bool + Send + Sync + 'static,
) -> Origin {
    Origin::on(TcpListener::bind((address, port)).expect("the port"), script)
}
