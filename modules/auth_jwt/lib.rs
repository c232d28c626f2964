//! `auth_jwt`: who a client is, by a token that somebody trusted has signed (JWT).
//!
//! ```text
//! token (Authorization: Bearer, or token=) ─▶ keys: files, a subrequest ─▶ a key of its kid and alg has signed it ─▶
//!   it is in time ─▶ auth_jwt_require ─▶ let in; $jwt_claim_… are known         else 401, error="invalid_token"
//! ```
//! The directives are those of nginx's commercial module. A location's keys check every token anew: what another location
//! has let in is not let in here.
#![forbid(unsafe_code)]

mod guard;
pub mod json;
pub mod keys;
mod sources;
pub mod token;
mod variables;

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings};
use http::{Declarations, Hooks, Module, Phase, Variable};

use crate::guard::Guard;
use crate::variables::Path;

/// The module.
pub struct AuthJwt;

const GUARDED: Contexts = contexts!(HTTP | SERVER | LOCATION | LIMIT_EXCEPT);
const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        option auth_jwt: (Word, Option<Word>) = (
            GUARDED, Arity::Between(1, 2), realm, "off",
            "ask for a signed token (JWT); the text (with variables) says for what; token=$variable: where it is, instead of the Authorization field; off: do not"
        );
        list auth_jwt_key_file: Word = (
            GUARDED, Arity::Exactly(1), first, "",
            "a file with keys (JWKS), relative to the configuration's folder; with variables"
        );
        list auth_jwt_key_request: Word = (
            GUARDED, Arity::Exactly(1), first, "", "a subrequest to this URI gives keys (JWKS)"
        );
        time auth_jwt_key_cache = (WEB, "0", "keys of a subrequest count for so long");
        time auth_jwt_leeway = (
            WEB, "0s", "by so much clocks may differ, of who signs tokens and of this server"
        );
        list auth_jwt_require: (Vec<Word>, u16) = (
            GUARDED, Arity::AtLeast(1), require, "",
            "let in only if all of these values are neither empty nor 0; error=401 or 403: the status if not"
        );
        value auth_jwt_type: () = (
            GUARDED, Arity::Exactly(1), kind, "signed", "what kind of tokens: signed; others are not known"
        );
        size auth_jwt_token_size = (WEB, "16k", "the longest token");
        size auth_jwt_key_size = (WEB, "1m", "the longest set of keys");
        raw auth_jwt_claim_set: Vec<Rc<Path>> = (
            Contexts::HTTP, Arity::AtLeast(2), |c: &mut Conf, s: &Setting<'_>| {
                c.auth_jwt_claim_set.push(Rc::new(Path::of_claims(s.args())));
                Ok(())
            }, "",
            "a variable (first argument) that is a claim: its name, and the names inside it"
        );
        raw auth_jwt_header_set: Vec<Rc<Path>> = (
            Contexts::HTTP, Arity::AtLeast(2), |c: &mut Conf, s: &Setting<'_>| {
                c.auth_jwt_header_set.push(Rc::new(Path::of_header(s.args())));
                Ok(())
            }, "",
            "a variable (first argument) that is a field of the token's header, likewise"
        );
    }
}

impl Module for AuthJwt {
    const NAME: &'static str = "auth_jwt";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = variables::VARIABLES;

    fn declare(conf: &Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        let claims = conf.auth_jwt_claim_set.as_slice().iter();
        for path in claims.chain(conf.auth_jwt_header_set.as_slice()) {
            declarations.make(&path.variable, path.clone())?;
        }
        Ok(())
    }

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let Some((realm, _)) = conf.auth_jwt.get().filter(|(realm, _)| realm.text != "off") else {
            return Ok(());
        };
        if !conf.auth_jwt_key_file.is_set() && !conf.auth_jwt_key_request.is_set() {
            let message =
                "\"auth_jwt\" has neither \"auth_jwt_key_file\" nor \"auth_jwt_key_request\"";
            return Err(hooks.error(realm, message));
        }
        let guard = Guard::compile(conf, hooks)?;
        hooks.on(Phase::Access, guard);
        Ok(())
    }
}

fn first(setting: &Setting<'_>) -> Result<Word, Error> {
    Ok(setting.args()[0].clone())
}

/// `"realm" [token=$variable]`
fn realm(setting: &Setting<'_>) -> Result<(Word, Option<Word>), Error> {
    let token = match setting.args().get(1) {
        None => None,
        Some(word) => match word.text.strip_prefix("token=") {
            Some(text) => Some(Word { text: text.to_owned(), ..word.clone() }),
            None => {
                return Err(setting.error_at(1, format!("invalid parameter \"{}\"", word.text)));
            }
        },
    };
    Ok((setting.args()[0].clone(), token))
}

fn require(setting: &Setting<'_>) -> Result<(Vec<Word>, u16), Error> {
    let (mut words, mut status) = (Vec::new(), 401);
    for (i, word) in setting.args().iter().enumerate() {
        match word.text.strip_prefix("error=") {
            Some("401") => status = 401,
            Some("403") => status = 403,
            Some(_) => {
                let message = format!("invalid parameter \"{}\"", word.text);
                return Err(setting.error_at(i, message).with_hint("it must be 401 or 403"));
            }
            None if word.text.starts_with('$') => words.push(word.clone()),
            None => {
                return Err(setting.error_at(i, format!("invalid variable name \"{}\"", word.text)));
            }
        }
    }
    match words.is_empty() {
        true => Err(setting.error("auth_jwt_require names no variable")),
        false => Ok((words, status)),
    }
}

fn kind(setting: &Setting<'_>) -> Result<(), Error> {
    match setting.arg(0) {
        "signed" => Ok(()),
        kind @ ("encrypted" | "nested") => {
            let message = format!("{kind} tokens are not known here: auth_jwt takes signed ones");
            Err(setting.error_at(0, message))
        }
        kind => Err(setting.error_at(0, format!("invalid value \"{kind}\""))),
    }
}
