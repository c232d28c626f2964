//! The forms of lines, and how values are escaped in them.

use conf::{Error, Setting, Word};
use http::Installing;
use http::vars::scope::Scope;
use http::vars::template::Template;

use crate::read::Written;

/// nginx's default form.
const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status \
     $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";

/// A `log_format`.
#[derive(Clone, Debug)]
pub struct Format {
    name: Word,
    text: Word,
    escape: Escape,
}

/// How a variable's value is made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// `"`, `\`, control characters and all above ASCII as `\xXX`; no value as `-`.
    Default,
    /// As in a JSON string; no value as nothing.
    Json,
    /// Not at all.
    None,
}

/// Reads `log_format NAME [escape=…] TEXT…`, where there are the `others`.
pub fn format(others: &[Format], setting: &Setting<'_>) -> Result<Format, Error> {
    let name = &setting.args()[0];
    let is_defined = others.iter().any(|known| known.name == name.text.as_str());
    if name == "combined" || is_defined {
        return Err(setting.error_at(0, format!("duplicate \"log_format\" name \"{name}\"")));
    }
    let (escape, rest) = match setting.arg(1).strip_prefix("escape=") {
        Some("default") => (Escape::Default, 2),
        Some("json") => (Escape::Json, 2),
        Some("none") => (Escape::None, 2),
        Some(other) => {
            let message = format!("unknown log format escaping \"{other}\"");
            return Err(setting.error_at(1, message));
        }
        None => (Escape::Default, 1),
    };
    let text: String = setting.args()[rest..].iter().map(|word| word.text.as_str()).collect();
    let place = setting.args().get(rest).unwrap_or(name);
    let text = Word { text, ..place.clone() };
    Ok(Format { name: name.clone(), text, escape })
}

/// The form that an `access_log` names.
pub fn find<R: Scope>(
    formats: &[Format],
    log: &Written,
    hooks: &Installing<'_, '_, R>,
) -> Result<(Template<R>, Escape), Error> {
    let known = formats.iter().find(|format| format.name == log.format.as_str());
    match known {
        Some(format) => Ok((hooks.template(&format.text)?, format.escape)),
        None if log.format == "combined" => {
            let text = Word { text: COMBINED.to_owned(), ..log.place.clone() };
            Ok((hooks.template(&text)?, Escape::Default))
        }
        None => Err(hooks.error(&log.place, format!("unknown log format \"{}\"", log.format))),
    }
}

impl Escape {
    /// Appends the line.
    pub fn write<R: Scope>(self, template: &Template<R>, request: &R, out: &mut Vec<u8>) {
        template.write(request, out, |exists, start, out| match self {
            Escape::Default if !exists => {
                out.truncate(start);
                out.push(b'-');
            }
            Escape::Default => escape(proto::escape::log, start, out),
            Escape::Json => escape(proto::escape::json, start, out),
            Escape::None => {}
        });
    }
}

/// Escapes what stands from `start` on, which seldom needs it.
fn escape(with: fn(&[u8], &mut Vec<u8>), start: usize, out: &mut Vec<u8>) {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if !out[start..].iter().all(plain) {
        let value = out.split_off(start);
        with(&value, out);
    }
}
