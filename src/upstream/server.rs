//! `server` in an `upstream` block: where peers are, and how they are treated.

use std::net::IpAddr;

use conf::{Contexts, Error, Setting, Word, value};
use sys::socket::Address;

use crate::address::{self, Target};

/// One `server`, and the addresses that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// As it is written.
    pub name: String,
    /// Where its peers are, as far as that is known.
    pub addresses: Vec<Address>,
    /// How they are treated.
    pub options: Options,
    /// What DNS is asked for, again and again.
    pub sought: Option<Sought>,
}

/// `resolve`: what is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// The name.
    pub host: String,
    /// The port of its addresses.
    pub port: u16,
    /// Where this service of it is, with ports of its own.
    pub service: Option<String>,
    /// Where that is written.
    pub word: Word,
}

impl Server {
    /// One of which nothing else is said.
    pub fn of(name: String, addresses: Vec<Address>) -> Server {
        Server { name, addresses, options: Options::default(), sought: None }
    }
}

/// What is said of a server's peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The share of requests that each gets.
    pub weight: u32,
    /// No more requests at the same time; 0: as many as there are.
    pub max_conns: u32,
    /// So many failures take it out; 0: none does.
    pub max_fails: u32,
    /// Milliseconds for which it is out.
    pub fail_timeout: u64,
    /// It serves where no other can.
    pub backup: bool,
    /// It serves nobody.
    pub down: bool,
}

impl Default for Options {
    fn default() -> Options {
        let (weight, max_conns, max_fails, fail_timeout) = (1, 0, 1, 10_000);
        Options { weight, max_conns, max_fails, fail_timeout, backup: false, down: false }
    }
}

/// Reads `server ADDRESS [parameters]`.
pub fn server(setting: &Setting<'_>) -> Result<Server, Error> {
    let name = setting.arg(0).to_owned();
    let target = address::parse(&name).map_err(|why| setting.error_at(0, why))?;
    let (mut options, mut resolves, mut service) = (Options::default(), false, None);
    for (i, word) in setting.args().iter().enumerate().skip(1) {
        match word.text.split_once('=').unwrap_or((&word.text, "")) {
            ("resolve", "") => resolves = true,
            ("service", "") => return Err(setting.error_at(i, "service is empty")),
            ("service", given) => service = Some(given.to_owned()),
            (key, given) => options.set(key, given).ok_or_else(|| {
                setting.error_at(i, format!("invalid parameter \"{}\"", word.text))
            })?,
        }
    }
    if setting.context() == Contexts::STREAM_UPSTREAM
        && service.is_none()
        && matches!(target, Target::Inet { port: None, .. })
    {
        return Err(setting.error_at(0, format!("no port in upstream \"{name}\"")));
    }
    let sought = sought(setting, &target, resolves, service)?;
    let addresses = match sought {
        Some(_) => Vec::new(),
        None => address::addresses(&target, 80).map_err(|why| setting.error_at(0, why))?,
    };
    Ok(Server { name, addresses, options, sought })
}

impl Options {
    /// Sets one of them. `None`: it is none, or has no such value.
    fn set(&mut self, key: &str, given: &str) -> Option<()> {
        let number = || value::number(given).and_then(|number| u32::try_from(number).ok());
        match key {
            "weight" => self.weight = number().filter(|&weight| weight > 0)?,
            "max_conns" => self.max_conns = number()?,
            "max_fails" => self.max_fails = number()?,
            "fail_timeout" => self.fail_timeout = 1000 * value::seconds(given)?,
            "backup" if given.is_empty() => self.backup = true,
            "down" if given.is_empty() => self.down = true,
            _ => return None,
        }
        Some(())
    }
}

/// What `resolve` and `service=` ask for: of what is no name, nothing. The errors are nginx's.
fn sought(
    setting: &Setting<'_>,
    target: &Target,
    resolves: bool,
    service: Option<String>,
) -> Result<Option<Sought>, Error> {
    let word = &setting.args()[0];
    let fail =
        |what: &str| Err(setting.error_at(0, format!("service upstream \"{}\" {what}", word.text)));
    if service.is_some() && !resolves {
        return fail("requires \"resolve\" parameter");
    }
    let name = match target {
        Target::Inet { host, port } if host.parse::<IpAddr>().is_err() => Some((host, port)),
        _ => None,
    };
    match (name, &service) {
        (None, Some(_)) => fail("requires domain name"),
        (Some((_, Some(_))), Some(_)) => fail("may not have port"),
        (Some((host, port)), _) if resolves => Ok(Some(Sought {
            host: host.clone(),
            port: port.unwrap_or(80),
            service,
            word: word.clone(),
        })),
        _ => Ok(None),
    }
}
