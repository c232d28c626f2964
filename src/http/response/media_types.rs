//! The media types of answers that a filter is for (`gzip_types`, `ssi_types` …).

use conf::{Error, Setting};
use mem::Str;

use crate::response::Response;

/// text/html, and what is named beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaTypes {
    any: bool,
    others: Vec<Str>,
}

impl MediaTypes {
    /// Reads a directive's words. text/html is always one of them, as in nginx; `*` is all.
    pub fn parse(setting: &Setting<'_>) -> Result<MediaTypes, Error> {
        let mut types = MediaTypes::default();
        for word in setting.args() {
            let name = conf::text::bytes(&word.text).to_ascii_lowercase();
            let name = Str::from(name);
            match &name[..] {
                b"*" => types.any = true,
                b"text/html" => {}
                _ if types.others.contains(&name) => {
                    setting.warn(format!("duplicate MIME type \"{}\"", word.text));
                }
                _ => types.others.push(name),
            }
        }
        Ok(types)
    }

    /// Whether an answer has one of them.
    pub fn has(&self, response: &Response) -> bool {
        if self.any {
            return true;
        }
        let Some(content_type) = &response.content_type else { return false };
        let plain = content_type.split(|&byte| byte == b';').next().unwrap_or_default();
        let plain = plain.trim_ascii();
        let is = |known: &[u8]| plain.eq_ignore_ascii_case(known);
        is(b"text/html") || self.others.iter().any(|known| is(known))
    }
}
