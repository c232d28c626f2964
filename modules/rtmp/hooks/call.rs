//! `on_connect`, `on_publish` and the others: asking and telling a program of the user's by HTTP, in
//! nginx-rtmp's words. Nobody waits for it but the client that it is about.

use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::client::{AdminCommand, Asked, Client};
use crate::hooks::hook::{EVENTS, HookEvent, Hooks};
use crate::hooks::location;
use crate::hooks::netcall::{self, Answer, Url};
use proto::query;

/// What only the server says: a client that gives such an argument is not believed.
pub(super) const OURS: &[&str] = &[
    "call",
    "app",
    "flashver",
    "swfurl",
    "tcurl",
    "pageurl",
    "addr",
    "clientid",
    "epoch",
    "name",
    "type",
    "start",
    "duration",
    "reset",
    "time",
    "timestamp",
    "recorder",
    "path",
];

/// What a program says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Yes,
    /// Do not: this is why.
    No(String),
    /// Go on under this name, and with these arguments if there are some.
    Instead(Vec<u8>, Option<Vec<u8>>),
}

/// The arguments that every event has.
pub(super) fn common(call: &str, app: &[u8], client: &Client) -> Vec<u8> {
    let hello = client.hello.borrow();
    let mut form = Vec::with_capacity(256);
    query::add(&mut form, "call", call.as_bytes());
    query::add(&mut form, "app", app);
    query::add(&mut form, "flashver", &hello.flash_version);
    query::add(&mut form, "swfurl", &hello.swf_url);
    query::add(&mut form, "tcurl", &hello.tc_url);
    query::add(&mut form, "pageurl", &hello.page_url);
    query::add(&mut form, "addr", client.address().as_bytes());
    query::add(&mut form, "clientid", client.id.to_string().as_bytes());
    form
}

/// The arguments of an event about a stream.
fn form(event: HookEvent, client: &Client, what: &Asked) -> Vec<u8> {
    let app = client.app.get().map_or("", |app| &app.name);
    let publishing = !what.kind.is_empty();
    let call = match event {
        HookEvent::Update if publishing => "update_publish",
        HookEvent::Update => "update_play",
        event => EVENTS.iter().find(|(_, known, _)| *known == event).map_or("", |known| known.2),
    };
    let mut form = common(call, app.as_bytes(), client);
    query::add(&mut form, "name", &what.name);
    match event {
        HookEvent::Publish => query::add(&mut form, "type", &what.kind),
        HookEvent::Play => {
            let number = |number: f64| (number as i64).to_string().into_bytes();
            query::add(&mut form, "start", &number(what.start));
            query::add(&mut form, "duration", &number(what.duration));
            query::add(&mut form, "reset", if what.reset { b"1" } else { b"0" });
        }
        HookEvent::Update => {
            let time = rt::wall().saturating_sub(what.since);
            query::add(&mut form, "time", time.as_secs().to_string().as_bytes());
            query::add(&mut form, "timestamp", time.as_millis().to_string().as_bytes());
        }
        _ => {}
    }
    query::add_others(&mut form, &what.args, OURS);
    form
}

/// Asks whether a client may do something with a stream.
pub async fn ask(hooks: &Hooks, event: HookEvent, client: &Client, what: &Asked) -> Verdict {
    let Some(url) = hooks.url(event) else { return Verdict::Yes };
    let form = form(event, client, what);
    let answer = netcall::call(url, hooks.method, &form, hooks.timeout, client.conn).await;
    match &answer {
        Answer::Status(200..=299) => Verdict::Yes,
        Answer::Redirect(to) => match location::stream(to, client) {
            Ok((name, args)) => Verdict::Instead(name, args),
            Err(why) => Verdict::No(refusal(event, url, &why)),
        },
        answer => Verdict::No(refusal(event, url, &told(answer))),
    }
}

/// What an operator is told of a hook that lets nobody in.
fn refusal(event: HookEvent, url: &Url, why: &str) -> String {
    format!("{} refuses: {why}, {}", directive(event), url.shown())
}

fn directive(event: HookEvent) -> &'static str {
    EVENTS.iter().find(|(_, known, _)| *known == event).map_or("", |known| known.0)
}

/// An answer that is no yes, in words.
pub(super) fn told(answer: &Answer) -> String {
    match answer {
        Answer::Status(code) => format!("the answer is {code}"),
        Answer::Redirect(to) => format!("redirected to \"{}\"", location::shown(to)),
        Answer::Failed(why) => why.clone(),
    }
}

/// Asks whether a client may connect to an application.
pub async fn ask_connect(hooks: &Hooks, event: HookEvent, client: &Client, app: &[u8]) -> Verdict {
    let Some(url) = hooks.url(event) else { return Verdict::Yes };
    let mut form = common("connect", app, client);
    query::add(&mut form, "epoch", rt::now().to_string().as_bytes());
    query::add_others(&mut form, &client.hello.borrow().args, OURS);
    match &netcall::call(url, hooks.method, &form, hooks.timeout, client.conn).await {
        Answer::Status(200..=299) => Verdict::Yes,
        Answer::Redirect(to) => match location::app(to) {
            Ok((app, args)) => Verdict::Instead(app, args),
            Err(why) => Verdict::No(refusal(event, url, &why)),
        },
        answer => Verdict::No(refusal(event, url, &told(answer))),
    }
}

/// Tells of something that has happened. Nobody waits for the answer.
pub fn tell(hooks: &Hooks, event: HookEvent, client: &Client, what: &Asked) {
    if let Some(url) = hooks.url(event) {
        let failed = failed(event, url, client.serial);
        netcall::tell(url, hooks.method, form(event, client, what), hooks.timeout, failed);
    }
}

/// Tells that a client has gone.
pub fn tell_disconnect(hooks: &Hooks, client: &Client) {
    if let Some(url) = hooks.url(HookEvent::Disconnect) {
        let app = client.app.get().map_or("", |app| &app.name);
        let mut form = common("disconnect", app.as_bytes(), client);
        query::add_others(&mut form, &client.hello.borrow().args, OURS);
        let failed = failed(HookEvent::Disconnect, url, client.serial);
        netcall::tell(url, hooks.method, form, hooks.timeout, failed);
    }
}

/// Nobody can be refused any more, but an operator is to know.
fn failed(event: HookEvent, url: &Rc<Url>, serial: u64) -> impl FnOnce(&Answer) + 'static {
    let url = url.clone();
    move |answer| {
        let (hook, why) = (directive(event), told(answer));
        sys::log!(Error, "*{serial} {hook} was not told: {why}, {}", url.shown());
    }
}

/// From now on it is asked, now and then, whether a client may go on in a message stream. `since` tells
/// this use of the stream from a later one.
pub fn begin_updates(client: &Rc<Client>, stream: u32, since: Duration) {
    let Some(app) = client.app.get() else { return };
    if app.hooks.url(HookEvent::Update).is_some() {
        let (client, every) = (Rc::downgrade(client), app.hooks.update_every);
        rt::spawn(async move {
            rt::sleep(every).await;
            while update(&client, stream, since).await {
                rt::sleep(every).await;
            }
        });
    }
}

/// Asks once. `false`: there is nothing more to ask about.
async fn update(client: &Weak<Client>, stream: u32, since: Duration) -> bool {
    let Some(client) = client.upgrade() else { return false };
    let Some(app) = client.app.get() else { return false };
    let what = client.streams.borrow().iter().find_map(|known| {
        let (what, _) = known.asked()?;
        (known.number == stream && what.since == since).then(|| what.clone())
    });
    let (Some(what), Some(url)) = (what, app.hooks.url(HookEvent::Update)) else { return false };
    let hooks = &app.hooks;
    let form = form(HookEvent::Update, &client, &what);
    let answer = netcall::call_alone(url, hooks.method, &form, hooks.timeout).await;
    let goes_on = match &answer {
        Answer::Status(200..=299) => true,
        Answer::Redirect(_) => !hooks.strict,
        _ => false,
    };
    if !goes_on {
        let why = refusal(HookEvent::Update, url, &told(&answer));
        *client.admin_command.borrow_mut() = Some(AdminCommand::Refuse(why));
        client.conn.wake();
    }
    goes_on
}
