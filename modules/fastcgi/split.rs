//! The name of the script in a URI, and what follows it: `fastcgi_split_path_info`, `fastcgi_index`.

use std::rc::Rc;

use conf::{Error, Word};
use http::route::regex::Captures;
use http::{Hooks, LogLevel, Regex, Request, Variable};
use mem::Str;

/// What a location says of names.
pub struct Split {
    /// Its groups are the name of the script and the rest.
    pattern: Option<Regex>,
    /// What is appended to a name that ends with a slash.
    index: Str,
}

impl Split {
    /// Of what directives say.
    pub fn compile(
        pattern: Option<&Word>,
        index: &str,
        hooks: &Hooks<'_, '_>,
    ) -> Result<Split, Error> {
        let pattern = match pattern {
            None => None,
            Some(word) => {
                let regex = hooks.regex(word, &word.text, false)?;
                if regex.groups() != 2 {
                    let why = format!("pattern \"{}\" must have 2 captures", word.text);
                    return Err(hooks.error(word, why));
                }
                Some(regex)
            }
        };
        Ok(Split { pattern, index: Str::copy(&conf::text::bytes(index)) })
    }

    /// The name of the script, and what follows it.
    fn of(&self, request: &Request) -> (Str, Str) {
        let whole = || (request.uri.clone(), Str::EMPTY);
        let Some(pattern) = &self.pattern else { return whole() };
        let mut captures = Captures::default();
        match pattern.matches(&request.uri, &mut captures) {
            Ok(true) => {
                let group = |number| captures.get(number).unwrap_or_default();
                (group(1), group(2))
            }
            Ok(false) => whole(),
            Err(why) => {
                request.error(LogLevel::Alert, format_args!("{why}"));
                (Str::EMPTY, Str::EMPTY)
            }
        }
    }
}

/// Appends the name of the script.
fn script_name(request: &Request, out: &mut Vec<u8>) -> bool {
    let Some(split) = request.kept::<Rc<Split>>() else {
        out.extend_from_slice(&request.uri);
        return true;
    };
    let (name, _) = split.of(request);
    out.extend_from_slice(&name);
    if name.ends_with(b"/") {
        out.extend_from_slice(&split.index);
    }
    true
}

fn path_info(request: &Request, out: &mut Vec<u8>) -> bool {
    if let Some(split) = request.kept::<Rc<Split>>() {
        out.extend_from_slice(&split.of(request).1);
    }
    true
}

/// The variables.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "fastcgi_script_name",
        get: |request, _, out| script_name(request, out),
        help: "the URI, or what fastcgi_split_path_info finds first in it; behind a slash, and fastcgi_index",
    },
    Variable {
        name: "fastcgi_path_info",
        get: |request, _, out| path_info(request, out),
        help: "what fastcgi_split_path_info finds behind the name of the script",
    },
];
