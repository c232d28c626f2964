//! A page on its way: what has been read of it, and its parts in the order in which they go out.

use std::collections::VecDeque;
use std::ffi::CString;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use http::{Body, Error, Fields, LogLevel, Lookup, Request, Source};
use mem::{Chain, Str};

use crate::include::Answer;
use crate::parse::{Found, Parser};
use crate::shared::{Full, Shared};
use crate::variables::TimeFormat;

/// So much of a page is read at once.
const READ: usize = 32 << 10;
/// So many parts of a page are known before the first of them is done: so many subrequests wait side by side.
const AHEAD: usize = 8;
/// After so many commands others have their turn.
const TURN: u32 = 64;

/// What bounds a page.
pub struct Limits {
    /// Of commands that fail nothing is said.
    pub silent: bool,
    /// Bytes of a parameter's value.
    pub value: usize,
    /// Bytes of all variables and blocks.
    pub memory: usize,
    /// Bytes of an answer that a variable is set to.
    pub answer: usize,
}

/// Something of a page that goes out.
pub enum Part {
    /// Text.
    Text(Str),
    /// What is included.
    Body(Body),
    /// Nothing: a variable is set to what is included.
    Set(Vec<u8>, Answer),
}

/// Whether text goes out.
#[derive(Debug, Default)]
pub struct Branch {
    /// Not in this branch of an `if`, or in a block.
    pub hidden: bool,
    /// A branch of this `if` has been gone into.
    pub chosen: bool,
    /// Which commands may come.
    pub within: Within,
    /// Text goes into a block.
    pub block: bool,
}

/// Where in a condition a page is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Within {
    #[default]
    Nothing,
    If,
    Else,
}

/// How `echo` writes values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    None,
    Url,
    Entity,
}

/// A page with commands in it.
pub struct Page {
    /// What stands for the request.
    pub request: Box<Request>,
    pub lookup: Lookup<Request>,
    pub limits: Rc<Limits>,
    pub branch: Branch,
    pub encoding: Encoding,
    pub fault_text: Vec<u8>,
    /// Nothing is read before all parts are done.
    pub waits: bool,
    /// Text that is no part yet.
    pub text: Vec<u8>,
    from: Body,
    parser: Parser,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
    parts: VecDeque<Part>,
}

/// What a step has come to.
enum Step {
    Done,
    Pending,
    Ended,
}

impl Page {
    /// What becomes of the body of a request.
    pub fn body(
        request: Box<Request>,
        from: Body,
        limits: Rc<Limits>,
        lookup: Lookup<Request>,
    ) -> Body {
        Body::Source(Box::new(Page {
            request,
            lookup,
            branch: Branch::default(),
            encoding: Encoding::Entity,
            fault_text: b"[an error occurred while processing the directive]".to_vec(),
            waits: false,
            text: Vec::new(),
            from,
            parser: Parser::new(limits.value),
            piece: Vec::new(),
            at: 0,
            ended: false,
            parts: VecDeque::new(),
            limits,
        }))
    }

    /// What is behind all text so far.
    pub fn push(&mut self, part: Part) {
        self.end_text();
        self.parts.push_back(part);
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.parts.push_back(Part::Text(Str::from(std::mem::take(&mut self.text))));
        }
    }

    /// The format of times in this page.
    pub fn set_time_format(&mut self, format: CString) {
        self.request.context::<TimeFormat>().0 = format;
    }

    /// Looks for the next command, and carries it out.
    fn step(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        if self.at == self.piece.len() {
            self.end_text();
            self.piece.clear();
            self.at = 0;
            return Ok(match self.from.poll_read(cx, &mut self.piece, READ)? {
                Poll::Pending => Step::Pending,
                Poll::Ready(true) => Step::Done,
                Poll::Ready(false) => {
                    self.ended = true;
                    Step::Ended
                }
            });
        }
        let before = self.text.len();
        let found = self.parser.find(&self.piece, &mut self.at, &mut self.text);
        self.place(before)?;
        let done = match found {
            Found::End => return Ok(Step::Done),
            Found::Command(command) => self.command(command),
            Found::Fault(fault) => Err(Some(fault)),
        };
        if let Err(fault) = done {
            if let Some(fault) = fault {
                self.request.error(LogLevel::Error, format_args!("{fault}"));
            }
            if !self.limits.silent {
                let fault_text = std::mem::take(&mut self.fault_text);
                self.text.extend_from_slice(&fault_text);
                self.fault_text = fault_text;
            }
        }
        Ok(Step::Done)
    }

    /// Puts the text that was read where it belongs: it goes out, into a block, or nowhere.
    fn place(&mut self, before: usize) -> Result<(), Error> {
        if !self.branch.hidden {
            return Ok(());
        }
        let text = self.text.split_off(before);
        match self.branch.block {
            true => self.add_to_block(&text),
            false => Ok(()),
        }
    }

    /// Text of the block that was begun last.
    pub fn add_to_block(&mut self, text: &[u8]) -> Result<(), Error> {
        let most = self.limits.memory;
        let added =
            self.request.with_lasting(|shared: &mut Shared| shared.add_to_block(text, most));
        // Half a block would be another one.
        added.map_err(|Full| Error::invalid("its blocks take more than ssi_max_memory"))
    }

    /// The next piece of the first part; `None`: there is no part.
    fn front(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        while let Some(part) = self.parts.front_mut() {
            match part {
                Part::Text(text) => {
                    let mut chain = Chain::new();
                    chain.push_str(std::mem::take(text));
                    self.parts.pop_front();
                    return Poll::Ready(Ok(Some(chain)));
                }
                Part::Body(body) => match ready!(body.poll_next(cx, most))? {
                    Some(chain) => return Poll::Ready(Ok(Some(chain))),
                    None => drop(self.parts.pop_front()),
                },
                Part::Set(name, answer) => {
                    let value = ready!(answer.as_mut().poll(cx))?;
                    let name = std::mem::take(name);
                    self.parts.pop_front();
                    if let Some(value) = value {
                        self.set(&name, &value).unwrap_or_else(|fault| {
                            let fault = fault.unwrap_or_default();
                            self.request.error(LogLevel::Error, format_args!("{fault}"));
                        });
                    }
                }
            }
        }
        Poll::Ready(Ok(None))
    }
}

impl Source for Page {
    fn length(&self) -> Option<u64> {
        None
    }

    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        for turn in 0.. {
            let blocked = match self.front(cx, most) {
                Poll::Ready(Ok(None)) => false,
                Poll::Ready(done) => return Poll::Ready(done),
                Poll::Pending => true,
            };
            self.waits &= blocked;
            let may_read = !self.ended && !self.waits && self.parts.len() < AHEAD;
            let step = match may_read {
                true if turn == TURN => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                true => self.step(cx)?,
                false if blocked => Step::Pending,
                false => Step::Ended,
            };
            match step {
                Step::Done => {}
                Step::Ended if !blocked && self.parts.is_empty() => return Poll::Ready(Ok(None)),
                Step::Ended => {}
                Step::Pending if !blocked && !self.parts.is_empty() => {}
                Step::Pending => {
                    for part in self.parts.iter_mut().skip(1) {
                        if let Part::Body(Body::Source(source)) = part {
                            source.prepare(cx);
                        }
                    }
                    return Poll::Pending;
                }
            }
        }
        Poll::Pending
    }

    fn trailers(&mut self) -> Option<Fields> {
        self.from.trailers()
    }
}
