//! Who may publish and play. These are no settings: each directive adds one more to what keeps clients out.

use conf::{Arity, Directive, Opt};

use crate::access::key::{self, Key, Signature};
use crate::access::login::{self, Login};
use crate::access::rules::{self, Rule};
use crate::settings::values::ANY;

/// What a block keeps clients out with.
#[derive(Default)]
pub struct Guards {
    /// `allow`, `deny`, in the order of writing.
    pub rules: Opt<Vec<Rule>>,
    /// `stream_key`
    pub keys: Opt<Vec<Key>>,
    /// `signed_url`
    pub signatures: Opt<Vec<Signature>>,
    /// `login`
    pub logins: Opt<Vec<Login>>,
}

impl Guards {
    /// The rows of the directives.
    pub const DIRECTIVES: &'static [Directive<Guards>] = &[
        Directive::new(
            "allow",
            ANY,
            Arity::Between(1, 2),
            |c, s| rules::rule(s).map(|rule| c.rules.push(rule)),
            "",
            "[publish|play] ADDRESS, NETWORK or all; the first match decides",
        ),
        Directive::new(
            "deny",
            ANY,
            Arity::Between(1, 2),
            |c, s| rules::rule(s).map(|rule| c.rules.push(rule)),
            "",
            "[publish|play] ADDRESS, NETWORK or all; the first match decides",
        ),
        Directive::new(
            "stream_key",
            ANY,
            Arity::Between(3, 64),
            |c, s| key::key(s).map(|key| c.keys.push(key)),
            "",
            "publish|play NAME|* KEY …: the stream NAME needs one of these as its argument \"key\"",
        ),
        Directive::new(
            "signed_url",
            ANY,
            Arity::Exactly(2),
            |c, s| key::signature(s).map(|signature| c.signatures.push(signature)),
            "",
            "publish|play|all SECRET: streams need the arguments \"expires\" and \"sign\"",
        ),
        Directive::new(
            "login",
            ANY,
            Arity::Exactly(3),
            |c, s| login::login(s).map(|login| c.logins.push(login)),
            "",
            "publish|play|all USER PASSWORD: clients log in as rtmp://USER:PASSWORD@…",
        ),
    ];

    /// What keeps clients out adds up: an inner block that lets somebody in does not open what the outer one has shut. As
    /// nginx-rtmp has it: the outer block's rules come behind the inner one's.
    pub fn inherit(&mut self, outer: &Guards) {
        add(&mut self.rules, &outer.rules);
        add(&mut self.keys, &outer.keys);
        add(&mut self.signatures, &outer.signatures);
        add(&mut self.logins, &outer.logins);
    }
}

fn add<T: Clone>(inner: &mut Opt<Vec<T>>, outer: &Opt<Vec<T>>) {
    outer.as_slice().iter().for_each(|one| inner.push(one.clone()));
}
