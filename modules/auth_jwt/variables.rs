//! What tokens say, as variables.

use std::rc::Rc;

use conf::Word;
use http::{Request, Value, Variable};
use serde_json::Value as Json;

use crate::json::{self, Object};
use crate::token::Token;

/// The token by which a client was let in, also for the subrequests that are made on its behalf.
#[derive(Default)]
pub struct LetIn(pub Option<Rc<Token>>);

fn token(request: &Request) -> Option<Rc<Token>> {
    request.known_lasting(|let_in: &LetIn| let_in.0.clone()).flatten()
}

/// Of this module.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "jwt_claim_",
        get: |request, name, out| {
            token(request).is_some_and(|token| named(&token.claims, name, out))
        },
        help: "a claim of the token by which the client was let in; of a list its elements with commas between",
    },
    Variable {
        name: "jwt_header_",
        get: |request, name, out| {
            token(request).is_some_and(|token| named(&token.header, name, out))
        },
        help: "a field of the token's header: alg, kid, typ",
    },
    Variable {
        name: "jwt_payload",
        get: |request, _, out| {
            let token = token(request);
            token.inspect(|token| out.extend_from_slice(&token.payload)).is_some()
        },
        help: "the token's claims as they were signed: JSON",
    },
];

/// Variables have no case, claims have: the one that is written so comes first.
fn named(object: &Object, name: &str, out: &mut Vec<u8>) -> bool {
    let alike = || object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let found = object.get(name).or_else(|| alike().map(|(_, value)| value));
    found.inspect(|value| json::show(value, out)).is_some()
}

/// `auth_jwt_claim_set`, `auth_jwt_header_set`: names, each inside the one before.
pub struct Path {
    /// The variable.
    pub variable: Word,
    names: Vec<String>,
    of: fn(&Token) -> &Object,
}

impl Path {
    /// Of the claims.
    pub fn of_claims(words: &[Word]) -> Path {
        Path::new(words, |token| &token.claims)
    }

    /// Of the header.
    pub fn of_header(words: &[Word]) -> Path {
        Path::new(words, |token| &token.header)
    }

    fn new(words: &[Word], of: fn(&Token) -> &Object) -> Path {
        let names = words.iter().skip(1).map(|word| word.text.clone()).collect();
        Path { variable: words[0].clone(), names, of }
    }

    fn find<'t>(&self, token: &'t Token) -> Option<&'t Json> {
        let (first, rest) = self.names.split_first()?;
        rest.iter().try_fold((self.of)(token).get(first)?, |value, name| value.get(name))
    }
}

impl Value<Request> for Path {
    fn value(&self, request: &Request, out: &mut Vec<u8>) -> bool {
        let token = token(request);
        let found = token.as_ref().and_then(|token| self.find(token));
        found.inspect(|value| json::show(value, out)).is_some()
    }

    /// There is none before the access phase.
    fn is_volatile(&self) -> bool {
        true
    }
}
