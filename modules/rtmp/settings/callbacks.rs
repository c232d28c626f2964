//! Who is asked, and who is told. As nginx-rtmp has it, each of the URLs is inherited by itself.

use conf::{Arity, Env, Error, Opt, Setting, Word, settings};
use tls::outgoing::{Outgoing, Trust};

use crate::hooks::hook::{Hook, Hooks, hook};
use crate::hooks::netcall::Method;
use crate::settings::values::{ANY, OUTER, always};

settings! {
    /// Whom a block asks and tells.
    #[derive(Default)]
    pub struct Callbacks {
        option on_connect: Hook = (
            OUTER, Arity::Exactly(1), hook, "", "ask this URL whether to let a client in"
        );
        option on_disconnect: Hook = (
            OUTER, Arity::Exactly(1), hook, "", "tell this URL that a client has gone"
        );
        option on_publish: Hook = (
            ANY, Arity::Exactly(1), hook, "", "ask this URL whether a client may publish"
        );
        option on_play: Hook = (
            ANY, Arity::Exactly(1), hook, "", "ask this URL whether a client may play"
        );
        option on_publish_done: Hook = (
            ANY, Arity::Exactly(1), hook, "", "tell this URL that publishing has ended"
        );
        option on_play_done: Hook = (
            ANY, Arity::Exactly(1), hook, "", "tell this URL that playing has ended"
        );
        option on_done: Hook = (ANY, Arity::Exactly(1), hook, "", "tell this URL of both");
        option on_update: Hook = (
            ANY, Arity::Exactly(1), hook, "", "ask this URL now and then whether to go on"
        );
        value notify_method: Method = (
            ANY, Arity::Exactly(1), method, "post", "how arguments go to these URLs: post or get"
        );
        value notify_update_timeout: u64 = (
            ANY, Arity::Exactly(1), |s: &Setting<'_>| Ok(s.time_ms(0)?.max(100)), "30s",
            "time between two calls of on_update"
        );
        flag notify_update_strict = (
            ANY, "off", "a redirect by on_update closes the client, too"
        );
        raw notify_relay_redirect: () = (
            ANY, Arity::Flag, always, "off",
            "accepted; streams are not relayed yet: a redirect to another server refuses"
        );
        time netcall_timeout = (OUTER, "10s", "how long these URLs may take to answer");
        flag notify_ssl_verify = (
            ANY, "on", "whether these URLs, if they begin with https, must have a certificate that is trusted"
        );
        option notify_ssl_trusted_certificate: Word = (
            ANY, Arity::Exactly(1), |s: &Setting<'_>| Ok(s.args()[0].clone()), "(the system's)",
            "a file with the authorities that are trusted, in PEM"
        );
        option rtmp_events: Word = (
            ANY, Arity::Exactly(1), events, "off",
            "publish what happens to streams as events on this channel (ZONE:CHANNEL), or off"
        );
    }
    with {
        /// How URLs that begin with https are asked.
        outgoing: Option<Outgoing>,
    }
}

impl Callbacks {
    /// Finds out who is trusted, if somebody is asked encrypted.
    pub fn open(&mut self, env: &Env<'_>) -> Result<(), Error> {
        if self.written().any(Hook::is_secure) {
            self.outgoing = Some(self.trusting(env)?);
        }
        Ok(())
    }

    /// How a URL that begins with https is asked.
    pub fn trusting(&self, env: &Env<'_>) -> Result<Outgoing, Error> {
        let word = self.notify_ssl_trusted_certificate.get();
        let path = word.map(|word| env.conf_dir.join(conf::text::path(&word.text)));
        let trust = match &path {
            _ if !self.notify_ssl_verify() => Trust::All,
            Some(path) => Trust::File(path),
            None => Trust::System,
        };
        let span = word.map(|word| word.span).unwrap_or_default();
        let wrong = |why: String| Error::at(why, span, env.files);
        Outgoing::new(trust).map_err(wrong)
    }

    fn written(&self) -> impl Iterator<Item = &Hook> {
        let all = [
            &self.on_connect,
            &self.on_disconnect,
            &self.on_publish,
            &self.on_play,
            &self.on_publish_done,
            &self.on_play_done,
            &self.on_done,
            &self.on_update,
        ];
        all.into_iter().filter_map(Opt::get)
    }

    /// The URLs, and how they are called.
    pub fn hooks(&self) -> Hooks {
        let tls = self.outgoing.as_ref();
        Hooks {
            hooks: self.written().map(|hook| hook.secured(tls)).collect(),
            method: self.notify_method(),
            timeout: self.netcall_timeout().max(1),
            update_every: self.notify_update_timeout(),
            strict: self.notify_update_strict(),
        }
    }
}

fn method(setting: &Setting<'_>) -> Result<Method, Error> {
    setting.choice(0, &[("post", Method::Post), ("get", Method::Get)])
}

fn events(setting: &Setting<'_>) -> Result<Word, Error> {
    let word = setting.args()[0].clone();
    let names = |(zone, channel): (&str, &str)| {
        !zone.is_empty() && sse::check_name(&conf::text::bytes(channel)).is_ok()
    };
    if word.text != "off" && !word.text.split_once(':').is_some_and(names) {
        return Err(setting.invalid(0, "value").with_hint("ZONE:CHANNEL, ZONE being an sse_zone"));
    }
    Ok(word)
}
