//! Questions and answers (RFC 1035 §4). It alone knows hickory's codec.
//!
//! ```text
//! header: id │ flags, code │ how many of each │ question: name, type, class │ answers │ authorities │ …
//! ```
//! Of an answer no more is read than what it is asked for: the header, the question, and of the answers the first ones. What
//! stands behind is not looked at, so nothing in there can be wrong.

use std::io;
use std::net::IpAddr;

use hickory_proto::op::{self, Header, Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::{self, DNSClass, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

use crate::failure::Failure;
use crate::name::Name;

/// Records of an answer that are read; what is behind them is not there.
const MOST_RECORDS: usize = 256;
/// Of these, what is taken.
pub(crate) const MOST: usize = 64;
/// Names that lead to other names (CNAME), one after the other.
pub(crate) const MOST_HOPS: usize = 8;

/// What may be asked of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Addresses of IPv4.
    A,
    /// Addresses of IPv6 (RFC 3596).
    Aaaa,
    /// Where a service is (RFC 2782).
    Srv,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Of which name.
    pub name: Name,
    /// What.
    pub kind: Kind,
}

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is longer than a datagram may be: the same is to be asked over TCP.
    Truncated,
    /// There is nothing, or the server does not tell.
    Failed(Failure),
    /// What the server knows.
    Records(Records),
}

/// What an answer has of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// The name that the one that was asked for leads to; the same, if it does not.
    pub name: Name,
    /// Over how many others.
    pub hops: usize,
    /// Seconds that all of it holds.
    pub ttl: u32,
    /// What that name has; nothing: the server does not say, or there is nothing.
    pub data: Vec<Data>,
}

/// One of a name's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// An address.
    Address(IpAddr),
    /// Where a service is.
    Service {
        /// Those with the lowest are asked first.
        priority: u16,
        /// How much of the load it takes of those of its priority.
        weight: u16,
        /// Its port.
        port: u16,
        /// Its name. `None`: there is no such service.
        target: Option<Name>,
    },
}

impl Query {
    /// The message with which it is asked; the answer has the same id.
    pub fn write(&self, id: u16) -> io::Result<Vec<u8>> {
        let mut message = Message::new(id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(op::Query::query(self.name_on_the_wire()?, self.record_type()));
        message.to_vec().map_err(io::Error::other)
    }

    /// Reads an answer. `None`: it is none to this question under this id, or is no DNS message at all.
    pub fn read(&self, id: u16, bytes: &[u8]) -> Option<Answer> {
        let mut decoder = BinDecoder::new(bytes);
        let Header { metadata, counts } = Header::read(&mut decoder).ok()?;
        let is_answer =
            metadata.message_type == MessageType::Response && metadata.op_code == OpCode::Query;
        if !is_answer || metadata.id != id || counts.queries != 1 {
            return None;
        }
        let asked = op::Query::read(&mut decoder).ok()?;
        let is_it = asked.query_type() == self.record_type() && asked.query_class() == DNSClass::IN;
        if !is_it || *asked.name() != self.name_on_the_wire().ok()? {
            return None;
        }
        match metadata.response_code {
            _ if metadata.truncation => Some(Answer::Truncated),
            ResponseCode::NoError => {
                let count = usize::from(counts.answers).min(MOST_RECORDS);
                let records = (0..count).map(|_| Record::read(&mut decoder));
                let records: Vec<Record> = records.collect::<Result<_, _>>().ok()?;
                Some(self.follow(asked.name(), &records))
            }
            code => Some(Answer::Failed(Failure::of_code(code.into()))),
        }
    }

    /// Finds where the name leads to, and what is there.
    fn follow(&self, asked: &rr::Name, records: &[Record]) -> Answer {
        let (mut name, mut hops, mut ttl) = (asked, 0, u32::MAX);
        let alias = |name| {
            records_of(name, records).find_map(|record| match &record.data {
                RData::CNAME(target) => Some((&target.0, seconds(record))),
                _ => None,
            })
        };
        while let Some((target, holds)) = alias(name) {
            (name, hops, ttl) = (target, hops + 1, ttl.min(holds));
            if hops > MOST_HOPS {
                return Answer::Failed(Failure::Server);
            }
        }
        let its = records_of(name, records).filter(|r| r.record_type() == self.record_type());
        let taken = its.filter_map(|record| Some((data(&record.data)?, seconds(record))));
        let taken: Vec<_> = taken.take(MOST).collect();
        let ttl = taken.iter().map(|(_, holds)| *holds).fold(ttl, u32::min);
        let data = taken.into_iter().map(|(data, _)| data).collect();
        match readable(name) {
            Some(name) => Answer::Records(Records { name, hops, ttl, data }),
            None => Answer::Failed(Failure::Server),
        }
    }

    fn name_on_the_wire(&self) -> io::Result<rr::Name> {
        let name = rr::Name::from_labels(self.name.labels().map(str::as_bytes));
        name.map_err(io::Error::other)
    }

    fn record_type(&self) -> RecordType {
        match self.kind {
            Kind::A => RecordType::A,
            Kind::Aaaa => RecordType::AAAA,
            Kind::Srv => RecordType::SRV,
        }
    }
}

fn records_of<'r>(name: &rr::Name, records: &'r [Record]) -> impl Iterator<Item = &'r Record> {
    records.iter().filter(move |record| record.name == *name && record.dns_class == DNSClass::IN)
}

fn data(data: &RData) -> Option<Data> {
    match data {
        RData::A(address) => Some(Data::Address(IpAddr::V4(address.0))),
        RData::AAAA(address) => Some(Data::Address(IpAddr::V6(address.0))),
        RData::SRV(service) => Some(Data::Service {
            priority: service.priority,
            weight: service.weight,
            port: service.port,
            target: match service.target.is_root() {
                true => None,
                false => Some(readable(&service.target)?),
            },
        }),
        _ => None,
    }
}

/// How long a record holds (RFC 2181 §8: what would be negative is none).
fn seconds(record: &Record) -> u32 {
    if record.ttl > i32::MAX as u32 { 0 } else { record.ttl }
}

/// A name that can be asked about: on the wire, labels may have any bytes, dots included.
fn readable(name: &rr::Name) -> Option<Name> {
    let labels = name.iter().map(|label| std::str::from_utf8(label).ok());
    let labels: Vec<&str> = labels.collect::<Option<_>>()?;
    let is_plain = labels.iter().all(|label| !label.contains('.'));
    Name::new(&labels.join(".")).filter(|_| is_plain)
}

#[cfg(test)]
mod tests;
