//! The head of an answer.

use std::io;

use http::{Cause, LogLevel, Request};
use mem::{Block, Str};
use proto::cgi::{self, StatusLine};
use proto::http1::{self, AnswerHead, Method, Parsed, parse_answer};
use proto::memcached::{self, Answer};
use rt::Io;

use super::records::Records;
use super::{Framing, Protocol};

/// The most answers before the one that counts (100, 103).
const MOST_INTERIM: usize = 16;

/// The reader of one answer's head.
pub enum Reading {
    /// Of HTTP/1.
    Http {
        /// Answers that were not the last.
        interim: usize,
    },
    /// Of a script, in records.
    FastCgi(Box<Records>),
    /// Of a script.
    Cgi,
    /// Of a value.
    Memcached {
        /// Whose value that is.
        key: Str,
        /// Once it is there.
        answer: Answer,
    },
}

impl Reading {
    /// One of an answer that may have a head of so many bytes.
    pub fn new(protocol: &Protocol, most: usize) -> Reading {
        match protocol {
            Protocol::Http => Reading::Http { interim: 0 },
            Protocol::FastCgi { keeps, catches } => {
                Reading::FastCgi(Box::new(Records::new(*keeps, catches.clone(), most)))
            }
            Protocol::Cgi => Reading::Cgi,
            Protocol::Memcached { key } => {
                Reading::Memcached { key: key.clone(), answer: Answer::Absent }
            }
        }
    }

    /// Reads once, until a block has `most` bytes.
    pub fn read(&mut self, io: Io, block: &mut Block, most: usize) -> io::Result<usize> {
        let room = most.saturating_sub(block.len());
        if let Reading::FastCgi(records) = self {
            return records.read(io, room);
        }
        let spare = block.spare_mut();
        let room = room.min(spare.len());
        let count = io.read(&mut spare[..room])?;
        block.advance(count);
        Ok(count)
    }

    /// Looks at what has come. `true`: the head is there.
    pub fn parse(
        &mut self,
        block: &mut Block,
        head: &mut AnswerHead,
        most: usize,
        request: &Request,
    ) -> Result<bool, Cause> {
        let is_there = match self {
            Reading::Http { interim } => parse_http(interim, block, head)?,
            Reading::FastCgi(records) => {
                records.unwrap(block, request)?;
                let parsed = parse_script(block, head, StatusLine::Skipped)?;
                if !parsed && records.is_over() {
                    let why = "upstream prematurely closed FastCGI request";
                    return Err(Cause::Invalid(why.to_owned()));
                }
                parsed
            }
            Reading::Cgi => parse_script(block, head, StatusLine::Read)?,
            Reading::Memcached { key, answer } => match memcached::parse(block.filled(), key) {
                Ok(None) => false,
                Ok(Some((found, len))) => {
                    (*answer, head.fields.end) = (found, len);
                    head.status = if found == Answer::Absent { 404 } else { 200 };
                    true
                }
                Err(why) => {
                    let line = block.filled().split(|&byte| byte == b'\n').next();
                    let line = String::from_utf8_lossy(line.unwrap_or_default());
                    return Err(Cause::Invalid(format!("{why}: \"{}\"", line.trim_end())));
                }
            },
        };
        match !is_there && block.len() >= most {
            true => Err(Cause::TooLarge(most)),
            false => Ok(is_there),
        }
    }

    /// Where the body ends behind a head that is there, and whether the connection may be used again then. `upgrades`: 101 is
    /// an answer.
    pub fn framing(
        self,
        head: &AnswerHead,
        block: &Block,
        method: Method,
        upgrades: bool,
        request: &Request,
    ) -> Result<(Framing, bool), Cause> {
        let http = |method| {
            let framing = head.framing(method, block.filled());
            framing.map_err(|why| Cause::Invalid(why.to_string()))
        };
        if head.status == 101 {
            let is_wanted = upgrades && matches!(self, Reading::Http { .. } | Reading::Cgi);
            let why = "upstream sent an unexpected \"101 Switching Protocols\"";
            return match is_wanted {
                true => Ok((Framing::Http(http1::Framing::None), false)),
                false => Err(Cause::Invalid(why.to_owned())),
            };
        }
        Ok(match self {
            Reading::Http { .. } => {
                let framing = http(method)?;
                let reusable = head.keep_alive(&framing, block.filled());
                (Framing::Http(framing), reusable)
            }
            Reading::Cgi => (Framing::Http(http(method)?), false),
            Reading::FastCgi(records) => {
                let behind = block.len() - head.fields.end;
                let length = match http(method)? {
                    http1::Framing::None => Some(0),
                    http1::Framing::Length(length) => Some(length),
                    http1::Framing::Chunked(_) | http1::Framing::Close => None,
                };
                let keeps = records.keeps();
                (Framing::Records(Box::new(records.body(behind, length, request))), keeps)
            }
            Reading::Memcached { key, answer: Answer::Absent } => {
                request.error(
                    LogLevel::Info,
                    format_args!("key: \"{key}\" was not found by memcached"),
                );
                (Framing::Http(http1::Framing::None), true)
            }
            Reading::Memcached { answer: Answer::Value { flags, length }, .. } => {
                let end = memcached::End::default();
                (Framing::Value { flags, left: length, end }, true)
            }
        })
    }
}

/// Passes over answers before the one that counts.
fn parse_http(
    interim: &mut usize,
    block: &mut Block,
    head: &mut AnswerHead,
) -> Result<bool, Cause> {
    loop {
        let parsed = parse_answer(block.filled(), head);
        match parsed.map_err(|why| Cause::Invalid(why.to_string()))? {
            Parsed::Partial => return Ok(false),
            Parsed::Complete if !matches!(head.status, 100 | 102..=199) => return Ok(true),
            Parsed::Complete => {
                *interim += 1;
                if *interim >= MOST_INTERIM {
                    let why = format!("upstream sent {MOST_INTERIM} interim answers");
                    return Err(Cause::Invalid(why));
                }
                block.keep_from(head.fields.end);
                head.clear();
            }
        }
    }
}

fn parse_script(
    block: &Block,
    head: &mut AnswerHead,
    status_line: StatusLine,
) -> Result<bool, Cause> {
    let parsed = cgi::parse(block.filled(), head, status_line);
    let parsed = parsed.map_err(|why| Cause::Invalid(why.to_string()))?;
    let is_there = parsed == Parsed::Complete;
    match is_there && matches!(head.status, 100 | 102..=199) {
        // Another head would have to follow, which no script sends.
        true => Err(Cause::Invalid(format!("upstream sent status {} as its answer", head.status))),
        false => Ok(is_there),
    }
}
