//! Who gets compressed answers: nginx's conditions, which `gzip` and `gzip_static` have in common.

use std::rc::Rc;

use conf::{Env, Error, Setting, Word};
use proto::http1::Version;

use crate::route::regex::Regex;

/// What is written of it.
#[derive(Clone, Debug)]
pub struct Compression {
    /// `gzip_vary`
    pub vary: bool,
    /// `gzip_http_version`
    pub version: Version,
    /// `gzip_proxied`
    pub proxied: Proxied,
    /// `gzip_disable`
    pub disable: Rc<[Regex]>,
}

/// Which answers to proxies are compressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxied(Vec<&'static str>);

const CASES: [&str; 8] =
    ["expired", "no-cache", "no-store", "private", "no_last_modified", "no_etag", "auth", "any"];

impl Proxied {
    /// Reads the words of `gzip_proxied`.
    pub fn parse(setting: &Setting<'_>) -> Result<Proxied, Error> {
        let mut proxied = Proxied::default();
        for (at, word) in setting.args().iter().enumerate() {
            match CASES.iter().find(|case| **case == word.text) {
                Some(case) => proxied.0.push(case),
                None if word.text == "off" => proxied.0.clear(),
                None => {
                    let message = format!("invalid value \"{}\"", word.text);
                    return Err(setting.error_at(at, message));
                }
            }
        }
        Ok(proxied)
    }

    /// Whether no answer is.
    pub fn is_off(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the case is named.
    pub fn has(&self, case: &str) -> bool {
        self.0.contains(&case)
    }
}

/// Compiles the words of `gzip_disable`.
pub fn disable(words: &[Word], env: &Env<'_>) -> Result<Rc<[Regex]>, Error> {
    let compile = |word: &Word| {
        let pattern = match word.text.as_str() {
            // As nginx: not the one of Windows XP SP2.
            "msie6" => "MSIE [4-6]\\.(?!.*SV1)",
            text => text,
        };
        let regex = Regex::new(pattern, true, &env.files.place(word.span));
        regex.map_err(|why| Error::at(why, word.span, env.files))
    };
    words.iter().map(compile).collect()
}
