//! `proxy_redirect`: what an answer's Location and Refresh say, as the client must have it.

use conf::{Error, Setting, Word};
use http::{Hooks, Request, Template};
use mem::Str;
use sys::log::Level;

/// One `proxy_redirect`, as it is written.
#[derive(Clone, Debug)]
pub enum Written {
    /// `off`
    Off,
    /// `default`
    Default(Word),
    /// What is replaced, and by what.
    Rule(Word, Word),
}

/// What is replaced.
pub enum Pattern {
    /// What it begins with.
    Prefix(Template),
    /// What matches.
    Regex(Box<http::Regex>),
}

/// A rule, ready to use: of several the first that fits counts.
pub struct Rule {
    pattern: Pattern,
    replacement: Template,
}

/// Reads the directive.
pub fn read(setting: &Setting<'_>) -> Result<Written, Error> {
    let args = setting.args();
    match (&args[0].text[..], args.get(1)) {
        ("off", None) => Ok(Written::Off),
        ("default", None) => Ok(Written::Default(args[0].clone())),
        (_, Some(replacement)) => Ok(Written::Rule(args[0].clone(), replacement.clone())),
        (text, None) => Err(setting.error_at(0, format!("invalid parameter \"{text}\""))),
    }
}

/// Whether a word is an expression, its text, and whether case counts in it.
pub fn expression(word: &Word) -> Option<(&str, bool)> {
    let text = word.text.strip_prefix('~')?;
    Some(text.strip_prefix('*').map_or((text, false), |text| (text, true)))
}

impl Pattern {
    /// Compiles a word: an expression behind `~`, else a text.
    pub fn compile(word: &Word, hooks: &Hooks<'_, '_>) -> Result<Pattern, Error> {
        Ok(match expression(word) {
            Some((pattern, caseless)) => {
                Pattern::Regex(Box::new(hooks.regex(word, pattern, caseless)?))
            }
            None => Pattern::Prefix(hooks.template(word)?),
        })
    }
}

impl Rule {
    /// Compiles a rule.
    pub fn compile(
        pattern: &Word,
        replacement: &Word,
        hooks: &Hooks<'_, '_>,
    ) -> Result<Rule, Error> {
        let replacement = hooks.template(replacement)?;
        Ok(Rule { pattern: Pattern::compile(pattern, hooks)?, replacement })
    }

    /// That of `default`: what is asked there is what was asked here.
    pub fn by_default(url: &str, has_uri: bool, location: &Str) -> Rule {
        let here = conf::text::decode(location);
        let (pattern, replacement) = match has_uri {
            true => (url.to_owned(), here),
            false => (format!("{url}/"), "/".to_owned()),
        };
        Rule {
            pattern: Pattern::Prefix(Template::literal(&pattern)),
            replacement: Template::literal(&replacement),
        }
    }

    /// The text with what fits replaced. `None`: nothing does.
    pub fn apply(&self, request: &mut Request, text: &Str) -> Option<Vec<u8>> {
        match &self.pattern {
            Pattern::Prefix(prefix) => {
                let prefix = prefix.evaluate(request);
                let rest = text.strip_prefix(&prefix[..])?;
                let replacement = self.replacement.evaluate(request);
                Some([&replacement[..], rest].concat())
            }
            Pattern::Regex(regex) => {
                if !matches(regex, request, text) {
                    return None;
                }
                Some(self.replacement.evaluate(request).to_vec())
            }
        }
    }
}

/// Whether an expression matches; one that gives up does not.
pub fn matches(regex: &http::Regex, request: &mut Request, text: &Str) -> bool {
    match regex.matches(text, request.captures.get_mut()) {
        Ok(matched) => matched,
        Err(gave_up) => {
            request.error(Level::Alert, format_args!("{gave_up}"));
            false
        }
    }
}

/// The first of the rules that fits changes a URL.
pub fn location(rules: &[Rule], request: &mut Request, text: &Str) -> Option<Str> {
    rules.iter().find_map(|rule| rule.apply(request, text)).map(Str::from)
}

/// The same of a Refresh field: what stands behind its `url=`.
pub fn refresh(rules: &[Rule], request: &mut Request, text: &Str) -> Option<Str> {
    let at = text.windows(4).position(|four| four.eq_ignore_ascii_case(b"url="))? + 4;
    let url = location(rules, request, &text.slice(at..))?;
    Some(Str::from([&text[..at], &url[..]].concat()))
}
