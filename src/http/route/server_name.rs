//! `server_name`: the names of a server as they are written.

use conf::{Error, Files, Setting, Word};
use mem::Str;

use crate::route::hosts::Name;
use crate::route::regex::Regex;
use crate::vars::names::Names;
use crate::vars::scope::Scope;

/// A name, and the word that it was read from.
pub type Written = (Name, Word);

/// Reads the directive.
pub fn parse(setting: &Setting<'_>) -> Result<Vec<Written>, Error> {
    let mut names = Vec::new();
    for (at, word) in setting.args().iter().enumerate() {
        let name = match word.text.as_str() {
            "$hostname" => sys::process::hostname(),
            text => text.to_owned(),
        };
        let name = Name::parse(&name).map_err(|message| setting.error_at(at, message))?;
        if word.text.contains('/') && !matches!(name, Name::Regex(_)) {
            let message = format!("server name \"{word}\" has suspicious symbols");
            setting.env().warnings.borrow_mut().push(setting.error_at(at, message));
        }
        names.push((name, word.clone()));
    }
    Ok(names)
}

/// Makes variables of the groups of those that are expressions.
pub fn capture<R: Scope>(
    written: &[Written],
    names: &Names<R>,
    files: &Files,
) -> Result<(), Error> {
    for (name, word) in written {
        if let Name::Regex(pattern) = name {
            let captured = Regex::new(pattern, true, &files.place(word.span))
                .and_then(|regex| names.capture(&regex));
            captured.map_err(|e| Error::at(e, word.span, files))?;
        }
    }
    Ok(())
}

/// The names, each with its place; a server without has the empty one.
pub fn placed(written: &[Written], files: &Files) -> Vec<(Name, String)> {
    match written.is_empty() {
        true => vec![(Name::Exact(String::new()), String::new())],
        false => {
            written.iter().map(|(name, word)| (name.clone(), files.place(word.span))).collect()
        }
    }
}

/// The first name, as it is shown.
pub fn first(written: &[Written]) -> Str {
    written.first().map_or(Str::EMPTY, |(name, word)| match name {
        Name::Regex(_) => Str::copy(&conf::text::bytes(&word.text)),
        // Names have no case, and are shown in small letters.
        _ => Str::copy(&conf::text::bytes(&word.text).to_ascii_lowercase()),
    })
}
