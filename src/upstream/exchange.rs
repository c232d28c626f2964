//! A request to one of several peers: one after the other is tried, as long as the rules allow it.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::rc::Rc;

use http::{Asked, Blame, Cause, Error, ErrorPhase, LogLevel, Request};
use mem::{Block, Str};
use proto::http1::{AnswerHead, Method};
use rt::Io;

use crate::balance::{Asker, Chooser, Claim, Verdict};
use crate::client::unless_gone;
use crate::conversation::Conversation;
use crate::encryption::Encryption;
use crate::follow;
use crate::group::Group;
use crate::link::Link;
use crate::next::Fault;
use crate::pool::{Connection, Identity};
use crate::protocol::{Framing, Protocol, Reading};
use crate::sending::{Outgoing, Sending};
use crate::settings::Settings;
use crate::tries::{Tries, Try};

/// What is asked.
pub struct Ask {
    /// What peers speak.
    pub protocol: Protocol,
    /// What stands before the body, as it is on the wire: of HTTP/1 the head of the request.
    pub head: Str,
    /// Its body.
    pub body: Outgoing,
    /// Its method.
    pub method: Method,
    /// It asks for another protocol: 101 is an answer.
    pub upgrades: bool,
    /// What a message calls the protocol: `http`.
    pub scheme: &'static str,
    /// How peers are encrypted, if they are.
    pub encryption: Option<Encryption>,
}

/// The head of an answer, and where its body comes from.
pub struct Reply {
    /// The head, as offsets into `block`.
    pub head: AnswerHead,
    /// What has come: the head, and what of the body came with it.
    pub block: Block,
    /// Where the body ends.
    pub framing: Framing,
    /// The connection may be used again.
    pub reusable: bool,
    /// What of the request has not gone yet.
    pub sending: Sending,
    /// The connection.
    pub link: Link,
    /// What variables tell of it.
    pub record: Rc<Try>,
}

impl Reply {
    /// Of an answer that has no body: the connection is free, if nothing more has come on it.
    pub fn end(self) {
        let is_all = self.block.len() == self.head.fields.end;
        self.record.end();
        self.link.finish(self.reusable && is_all && self.sending.is_done());
    }

    /// What was kept with a value of memcached. `None`: there is no value.
    pub fn flags(&self) -> Option<u32> {
        match self.framing {
            Framing::Value { flags, .. } => Some(flags),
            _ => None,
        }
    }
}

/// Asks. The error is the status for the client.
pub async fn exchange(
    request: &mut Request,
    settings: &Settings,
    ignores_abort: bool,
    group: &Rc<Group>,
    asker: Asker,
    ask: &mut Ask,
) -> Result<Reply, u16> {
    let ready = follow::ready(group);
    if unless_gone(request, ignores_abort, ready).await.is_none() {
        request.error(LogLevel::Info, format_args!("client prematurely closed connection"));
        return Err(499);
    }
    group.pool.begin();
    request.context::<Tries>().begin();
    let mut round = Round::new(settings, group, asker);
    loop {
        let is_again = round.again.is_some();
        let Some(claim) = round.claim() else {
            let record = request.context::<Tries>().add(group.name.clone());
            record.status.set(502);
            record.end();
            request.context::<Tries>().fault = Some(Fault::Error);
            name_upstream(request, ask, &group.name);
            request.error(
                LogLevel::Error,
                format_args!("no live upstreams while connecting to upstream"),
            );
            return Err(502);
        };
        let record = request.context::<Tries>().add(claim.peer().name.clone());
        name_upstream(request, ask, &claim.peer().name);
        let once = Once { settings, ignores_abort, group, record: &record };
        let tried = once.ask(request, claim, is_again, ask).await;
        record.end();
        let failed = match tried {
            Ok(reply) => {
                let fault = Fault::Status(reply.head.status);
                record.response.set(None);
                if !round.goes_on(fault, ask, reply.record.sent.get() > 0) {
                    reply.link.claim.succeeded();
                    return Ok(reply);
                }
                record.end();
                Failed { fault, claim: reply.link.claim, was_idle: false }
            }
            Err(Ended::Gone) => return Err(499),
            Err(Ended::Own(status)) => return Err(status),
            Err(Ended::Failed(failed)) => failed,
        };
        if record.status.get() == 0 {
            record.status.set(failed.fault.status());
        }
        let (fault, status) = (failed.fault, failed.fault.status());
        if !round.next(request, failed, ask, record.sent.get() > 0) {
            request.context::<Tries>().fault = Some(fault);
            return Err(status);
        }
    }
}

/// Messages name the peer.
fn name_upstream(request: &mut Request, ask: &Ask, peer: &Str) {
    let head = match ask.protocol {
        Protocol::Http => ask.head.clone(),
        _ => Str::EMPTY,
    };
    let peer = peer.clone();
    request.upstream = Some(Asked { scheme: ask.scheme, peer, head });
}

/// A try that has come to nothing.
struct Failed {
    fault: Fault,
    claim: Claim,
    /// It was on a connection that had been idle, and nothing came: it may have ended just then.
    was_idle: bool,
}

/// How a try ended without an answer.
enum Ended {
    /// The client has gone.
    Gone,
    /// Something of ours, or of the client's, has failed: this is the status.
    Own(u16),
    /// The peer has.
    Failed(Failed),
}

/// The tries of one request.
struct Round<'a> {
    settings: &'a Settings,
    chooser: Chooser,
    /// How many may follow, this one included.
    left: usize,
    begun: u64,
    /// The peer that is asked next, on a new connection.
    again: Option<Claim>,
}

impl<'a> Round<'a> {
    fn new(settings: &'a Settings, group: &Rc<Group>, asker: Asker) -> Round<'a> {
        let chooser = Chooser::new(group, asker);
        let most = if settings.next_tries == 0 { usize::MAX } else { settings.next_tries };
        let left = chooser.tries().min(most);
        Round { settings, chooser, left, begun: rt::now(), again: None }
    }

    fn claim(&mut self) -> Option<Claim> {
        self.again.take().or_else(|| self.chooser.next())
    }

    /// Whether another peer is asked after an answer like this.
    fn goes_on(&self, fault: Fault, ask: &Ask, is_sent: bool) -> bool {
        self.left > 1 && self.may_repeat(fault, ask, is_sent)
    }

    fn may_repeat(&self, fault: Fault, ask: &Ask, is_sent: bool) -> bool {
        let limit = self.settings.next_timeout;
        let is_late = limit > 0 && rt::now().saturating_sub(self.begun) >= limit;
        let is_there = !matches!(ask.body, Outgoing::Gone);
        let repeats = is_sent && repeats(ask.method);
        is_there && !is_late && self.settings.next.has(fault, repeats)
    }

    /// Sees to what follows a failure. `false`: nothing does.
    fn next(&mut self, request: &Request, failed: Failed, ask: &Ask, is_sent: bool) -> bool {
        let Failed { fault, claim, was_idle } = failed;
        if was_idle {
            // The connection has failed, not the peer.
            let goes_on = self.may_repeat(Fault::Error, ask, is_sent);
            self.again = goes_on.then(|| self.chooser.again(&claim));
            return goes_on;
        }
        if fault.is_failure() && claim.failed() == Verdict::IsOut {
            request.error(LogLevel::Warn, format_args!("upstream server temporarily disabled"));
        }
        self.left = self.left.saturating_sub(1);
        self.left > 0 && self.may_repeat(fault, ask, is_sent)
    }
}

/// Whether a request that is sent twice may do something twice.
fn repeats(method: Method) -> bool {
    matches!(method, Method::Post | Method::Lock | Method::Patch)
}

/// Whether there is no socket to be had, or none with the address that it should have: no peer is to blame for that.
pub fn is_own(error: &Error) -> bool {
    const OUT_OF_DESCRIPTORS: [i32; 2] = [23, 24]; // ENFILE, EMFILE
    let Cause::Io(error) = &error.cause else { return false };
    error.kind() == ErrorKind::Other
        || error.raw_os_error().is_some_and(|code| OUT_OF_DESCRIPTORS.contains(&code))
}

/// What a conversation comes to.
struct Answered {
    head: AnswerHead,
    block: Block,
    reading: Reading,
    sending: Sending,
}

/// One try.
struct Once<'a> {
    settings: &'a Settings,
    ignores_abort: bool,
    group: &'a Rc<Group>,
    record: &'a Rc<Try>,
}

impl Once<'_> {
    /// `is_again`: what is kept has just failed, and is left alone.
    async fn ask(
        &self,
        request: &mut Request,
        claim: Claim,
        is_again: bool,
        ask: &mut Ask,
    ) -> Result<Reply, Ended> {
        let (address, encryption) = (claim.peer().address.clone(), ask.encryption.clone());
        let identity = Identity { address, encryption };
        let pooled = if is_again { None } else { self.group.pool.take(&identity) };
        let was_idle = pooled.is_some();
        let connection = match pooled {
            Some(connection) => connection,
            None => match self.connect(request, &identity).await? {
                Ok(connection) => connection,
                Err(error) if is_own(&error) => {
                    request.error(LogLevel::Alert, format_args!("{}", self.told(&error)));
                    return Err(Ended::Own(500));
                }
                Err(error) => return Err(self.failed(request, claim, &error, false)),
            },
        };
        self.record.connect.set(Some(self.record.elapsed()));
        let link = Link { connection, identity, claim, group: self.group.clone() };
        match self.converse(request, link.io(), ask).await? {
            Ok(Answered { head, block, reading, sending }) => {
                self.record.status.set(head.status);
                self.record.header.set(Some(self.record.elapsed()));
                let (method, upgrades) = (ask.method, ask.upgrades);
                match reading.framing(&head, &block, method, upgrades, request) {
                    Ok((framing, reusable)) => {
                        let record = self.record.clone();
                        Ok(Reply { head, block, framing, reusable, sending, link, record })
                    }
                    Err(cause) => {
                        let error = Error::new(ErrorPhase::Head, cause);
                        Err(self.failed(request, link.claim, &error, false))
                    }
                }
            }
            Err(error) => {
                let nothing_came = self.record.received.get() == 0;
                let is_over = matches!(error.cause, Cause::Closed(_) | Cause::Io(_));
                Err(self.failed(request, link.claim, &error, was_idle && nothing_came && is_over))
            }
        }
    }

    async fn connect(
        &self,
        request: &Request,
        identity: &Identity,
    ) -> Result<Result<Connection, Error>, Ended> {
        let connect = Connection::open(identity, self.settings.connect_timeout);
        let connected = self.unless_gone(request, connect).await?;
        if let (true, Ok(connection)) = (self.settings.socket_keepalive, &connected) {
            // One that has ended already says so soon enough.
            let _ = sys::socket::set_keepalive(connection.socket.fd(), true);
        }
        Ok(connected)
    }

    /// Sends the request and waits for the answer's head.
    async fn converse(
        &self,
        request: &Request,
        io: Io,
        ask: &mut Ask,
    ) -> Result<Result<Answered, Error>, Ended> {
        io.set_timeout(self.settings.send_timeout);
        let protocol = &ask.protocol;
        let sending = Sending::new(ask.head.clone(), &mut ask.body, protocol.has_records());
        // Beside the future that waits for it, which is moved.
        let conversation = Conversation::new(io, self.settings, request, protocol, sending);
        let mut conversation = Box::new(conversation);
        let answered = self.unless_gone(request, poll_fn(|cx| conversation.poll(cx))).await;
        self.record.sent.set(conversation.sending.sent);
        self.record.received.set(conversation.received);
        let Conversation { head, block, reading, mut sending, .. } = *conversation;
        Ok(match answered? {
            Ok(()) => Ok(Answered { head, block, reading, sending }),
            Err(error) => {
                sending.give_back(&mut ask.body);
                Err(error)
            }
        })
    }

    /// Waits as long as there is somebody who waits for it.
    async fn unless_gone<T>(
        &self,
        request: &Request,
        work: impl Future<Output = T>,
    ) -> Result<T, Ended> {
        match unless_gone(request, self.ignores_abort, work).await {
            Some(result) => Ok(result),
            None => {
                request.error(
                    LogLevel::Info,
                    format_args!(
                        "client prematurely closed connection, so upstream connection is closed too"
                    ),
                );
                self.record.status.set(499);
                Err(Ended::Gone)
            }
        }
    }

    fn failed(&self, request: &Request, claim: Claim, error: &Error, was_idle: bool) -> Ended {
        if error.blame() != Blame::Upstream {
            request
                .error(LogLevel::Info, format_args!("{error} while sending request to upstream"));
            return Ended::Own(error.status());
        }
        let fault = match (error.phase, &error.cause) {
            (_, Cause::TimedOut) => Fault::Timeout,
            (ErrorPhase::Head, Cause::Invalid(_) | Cause::TooLarge(_)) => Fault::InvalidHeader,
            _ => Fault::Error,
        };
        let level = if was_idle { LogLevel::Info } else { LogLevel::Error };
        request.error(level, format_args!("{}", self.told(error)));
        Ended::Failed(Failed { fault, claim, was_idle })
    }

    /// In nginx's words.
    fn told(&self, error: &Error) -> String {
        let at = match error.phase {
            ErrorPhase::Connect | ErrorPhase::Resolve => "connecting to upstream",
            ErrorPhase::Tls => "SSL handshaking to upstream",
            ErrorPhase::Send => "sending request to upstream",
            _ => "reading response header from upstream",
        };
        let what = match (&error.cause, error.phase) {
            (Cause::TimedOut, _) => "upstream timed out (110: Connection timed out)".to_owned(),
            (Cause::Closed(_), _) => "upstream prematurely closed connection".to_owned(),
            (Cause::TooLarge(most), _) => {
                let family = self.settings.family;
                format!("upstream sent too big header (\"{family}_buffer_size\" is {most})")
            }
            (Cause::Io(error), ErrorPhase::Connect) => {
                format!("connect() failed {}", sys::log::errno(error))
            }
            (Cause::Io(error), ErrorPhase::Tls) => tls::outgoing::failure(error),
            // An encryption that ends without saying so.
            (Cause::Io(error), _) if error.kind() == ErrorKind::UnexpectedEof => {
                "upstream prematurely closed connection".to_owned()
            }
            (Cause::Io(error), ErrorPhase::Send) => {
                format!("send() failed {}", sys::log::errno(error))
            }
            (Cause::Io(error), _) => format!("recv() failed {}", sys::log::errno(error)),
            (cause, _) => cause.to_string(),
        };
        format!("{what} while {at}")
    }
}
