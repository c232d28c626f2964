//! The directives as they are written.

use std::rc::Rc;

use conf::{Error, Setting, Word};
use http::{Hooks, Template};

/// One directive.
pub struct Written {
    statuses: Vec<u16>,
    types: Vec<String>,
    mode: Mode,
    fields: Vec<(String, Word)>,
}

/// How a field is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In the place of what is there.
    Replace,
    /// Beside it.
    Add,
    /// In its place, if something is there.
    OnlyReplace,
}

/// A directive, compiled.
pub struct Change {
    /// Of which answers; none: all.
    pub statuses: Vec<u16>,
    /// Of which media types; none: all.
    pub types: Vec<String>,
    pub mode: Mode,
    /// Names, which may end with `*`, and values; without one it is taken away.
    pub fields: Vec<(String, Option<Template>)>,
}

/// What frames a message, or says who is at its other end.
const FRAMING: [&str; 6] =
    ["connection", "content-length", "date", "keep-alive", "transfer-encoding", "upgrade"];

/// Reads `more_set_headers` and `more_set_input_headers`.
pub fn set(setting: &Setting<'_>, of_request: bool) -> Result<Written, Error> {
    read(setting, of_request, |text| match text.split_once(':') {
        Some((name, value)) => (name.trim().to_owned(), value.trim_start().to_owned()),
        None => (text.to_owned(), String::new()),
    })
}

/// Reads `more_clear_headers` and `more_clear_input_headers`.
pub fn clear(setting: &Setting<'_>, of_request: bool) -> Result<Written, Error> {
    read(setting, of_request, |text| {
        (text.strip_suffix(':').unwrap_or(text).trim().to_owned(), String::new())
    })
}

fn read(
    setting: &Setting<'_>,
    of_request: bool,
    split: impl Fn(&str) -> (String, String),
) -> Result<Written, Error> {
    let mut written = Written {
        statuses: Vec::new(),
        types: Vec::new(),
        mode: Mode::Replace,
        fields: Vec::new(),
    };
    let mut words = setting.args().iter().enumerate();
    while let Some((at, word)) = words.next() {
        let invalid = || setting.error_at(at, format!("invalid option \"{}\"", word.text));
        let mut argument = || {
            let next = words.next().map(|(_, word)| word.text.clone());
            next.ok_or_else(|| setting.error_at(at, "it takes an argument"))
        };
        match word.text.as_str() {
            "-s" if !of_request => {
                for status in argument()?.split_whitespace() {
                    let status = status.parse().ok().filter(|status| (100..=999).contains(status));
                    written.statuses.push(status.ok_or_else(invalid)?);
                }
            }
            "-t" => written.types.extend(argument()?.split_whitespace().map(str::to_lowercase)),
            "-a" if !of_request => written.mode = Mode::Add,
            "-r" if of_request => written.mode = Mode::OnlyReplace,
            text if text.starts_with('-') => return Err(invalid()),
            text => {
                let (name, value) = split(text);
                if name.is_empty() {
                    return Err(setting.error_at(at, format!("\"{text}\" names no field")));
                }
                if FRAMING.contains(&name.to_ascii_lowercase().as_str()) {
                    let message = format!("\"{name}\" frames the message, it cannot be changed");
                    return Err(setting.error_at(at, message));
                }
                written.fields.push((name, Word { text: value, ..word.clone() }));
            }
        }
    }
    match written.fields.is_empty() {
        true => Err(setting.error("it names no field")),
        false => Ok(written),
    }
}

/// Compiles them.
pub fn compile(all: &[Rc<Written>], hooks: &Hooks<'_, '_>) -> Result<Vec<Change>, Error> {
    let compile = |written: &Rc<Written>| {
        let mut fields = Vec::new();
        for (name, value) in &written.fields {
            let template = match value.text.is_empty() {
                true => None,
                false => Some(hooks.template(value)?),
            };
            fields.push((name.clone(), template));
        }
        let Written { statuses, types, mode, .. } = &**written;
        Ok(Change { statuses: statuses.clone(), types: types.clone(), mode: *mode, fields })
    };
    all.iter().map(compile).collect()
}

/// Whether a pattern is a field's name, in any case.
pub fn names(pattern: &str, name: &[u8]) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => {
            name.get(..start.len()).is_some_and(|n| n.eq_ignore_ascii_case(start.as_bytes()))
        }
        None => name.eq_ignore_ascii_case(pattern.as_bytes()),
    }
}

/// Whether a media type, without its parameters, is among these.
pub fn has_type(types: &[String], media_type: Option<&[u8]>) -> bool {
    let Some(media_type) = media_type else { return types.is_empty() };
    let bare = media_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    types.is_empty() || types.iter().any(|known| bare.eq_ignore_ascii_case(known.as_bytes()))
}
