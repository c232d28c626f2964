//! A `geo` block as it is written.

use std::net::Ipv4Addr;

use conf::{Contexts, Error, Setting, Word};
use mem::Str;
use sys::net::Network;

use crate::Proxies;
use crate::networks::Networks;
use crate::ranges::{Added, Ranges};

/// What is written.
pub struct Written {
    /// Where the address comes from, if it is not the client's.
    pub source: Option<Word>,
    /// `$name`
    pub variable: Word,
    /// Its value is found out each time.
    pub volatile: bool,
    pub proxies: Proxies,
    pub default: Str,
    pub table: Table,
}

/// Values of addresses.
pub enum Table {
    Networks(Networks),
    Ranges(Ranges),
}

/// Reads a `geo` directive.
pub fn geo(setting: &Setting<'_>) -> Result<Written, Error> {
    let (source, variable) = match setting.args() {
        [source, variable] => (Some(source.clone()), variable.clone()),
        [variable] => (None, variable.clone()),
        _ => return Err(setting.error("geo takes an address and a variable")),
    };
    let mut written = Written {
        source,
        variable,
        volatile: false,
        proxies: Proxies::default(),
        default: Str::EMPTY,
        table: Table::Networks(Networks::default()),
    };
    for (at, node) in setting.block().iter().enumerate() {
        let line = Setting::new(node, setting.context(), setting.env());
        match (node.name.text.as_str(), &node.args[..]) {
            ("ranges", []) if at == 0 => written.table = Table::Ranges(Ranges::default()),
            ("ranges", []) => {
                let message =
                    "the \"ranges\" directive must be the first directive inside \"geo\" block";
                return Err(line.error(message));
            }
            // There is nothing that a proxy could have told.
            ("proxy" | "proxy_recursive", _) if line.context() == Contexts::STREAM => {
                return Err(line.error(format!("invalid parameter \"{}\"", line.name())));
            }
            ("proxy_recursive", []) => written.proxies.recursive = true,
            ("volatile", []) => written.volatile = true,
            ("proxy", [network]) => {
                written.proxies.trusted.push(self::network(&line, &network.text)?)
            }
            ("default", [value]) => written.default = text(value),
            ("delete", [place]) => written.delete(&line, &place.text)?,
            (place, [value]) => written.add(&line, place, text(value))?,
            _ => return Err(line.error("invalid number of the geo parameters")),
        }
    }
    Ok(written)
}

impl Written {
    fn add(&mut self, line: &Setting<'_>, place: &str, value: Str) -> Result<(), Error> {
        let before = match &mut self.table {
            Table::Networks(networks) => networks.insert(network(line, place)?, value.clone()),
            Table::Ranges(ranges) => {
                let (first, last) = range(line, place)?;
                match ranges.insert(first.into(), last.into(), value.clone()) {
                    Added::New => None,
                    Added::Replaced(before) => Some(before),
                    Added::Overlaps(first, last) => {
                        let message = format!("range \"{place}\" overlaps \"{first}-{last}\"");
                        return Err(line.error(message));
                    }
                }
            }
        };
        if let Some(before) = before {
            let kind = self.kind();
            line.warn(format!(
                "duplicate {kind} \"{place}\", value: \"{value}\", old value: \"{before}\""
            ));
        }
        Ok(())
    }

    fn delete(&mut self, line: &Setting<'_>, place: &str) -> Result<(), Error> {
        let deleted = match &mut self.table {
            Table::Networks(networks) => networks.remove(network(line, place)?),
            Table::Ranges(ranges) => {
                let (first, last) = range(line, place)?;
                ranges.remove(first.into(), last.into())
            }
        };
        if !deleted {
            line.warn(format!("no {} \"{place}\" to delete", self.kind()));
        }
        Ok(())
    }

    fn kind(&self) -> &'static str {
        match self.table {
            Table::Networks(_) => "network",
            Table::Ranges(_) => "range",
        }
    }
}

fn network(line: &Setting<'_>, text: &str) -> Result<Network, Error> {
    let network = Network::parse(text);
    let network = network.ok_or_else(|| line.error(format!("invalid network \"{text}\"")))?;
    if network.has_low_bits() {
        line.warn(format!("low address bits of {text} are meaningless"));
    }
    Ok(network)
}

fn range(line: &Setting<'_>, text: &str) -> Result<(Ipv4Addr, Ipv4Addr), Error> {
    let parsed = text.split_once('-').and_then(|(first, last)| {
        Some((first.parse::<Ipv4Addr>().ok()?, last.parse::<Ipv4Addr>().ok()?))
    });
    let range = parsed.filter(|(first, last)| first <= last);
    range.ok_or_else(|| line.error(format!("invalid range \"{text}\"")))
}

fn text(word: &Word) -> Str {
    Str::copy(&conf::text::bytes(&word.text))
}
