//! `hls_captions`: which captions encoders send in their pictures.

use conf::{Error, Setting};
use proto::hls::Caption;

/// Subtags of a language have so many letters and digits at most (RFC 5646 §2.1).
const SUBTAG: usize = 8;
/// So many subtags are enough for every language that has a name.
const SUBTAGS: usize = 8;

/// What is written: `off`, or `WHERE=LANGUAGE` for each.
pub(super) fn captions(setting: &Setting<'_>) -> Result<Vec<Caption>, Error> {
    if setting.args().len() == 1 && setting.arg(0) == "off" {
        return Ok(Vec::new());
    }
    let mut all: Vec<Caption> = Vec::new();
    for at in 0..setting.args().len() {
        let caption = caption(setting.arg(at)).ok_or_else(|| {
            let hint =
                "CC1 to CC4 or SERVICE1 to SERVICE63, and the language: CC1=en SERVICE2=de-AT";
            setting.invalid(at, "caption").with_hint(hint)
        })?;
        if all.iter().any(|known| known.instream == caption.instream) {
            return Err(setting.error_at(at, format!("duplicate \"{}\"", caption.instream)));
        }
        all.push(caption);
    }
    Ok(all)
}

fn caption(text: &str) -> Option<Caption> {
    let (instream, language) = text.split_once('=')?;
    let is_known = is_numbered(instream, "CC", 4) || is_numbered(instream, "SERVICE", 63);
    let caption = || Caption { instream: instream.to_owned(), language: language.to_owned() };
    (is_known && is_language(language)).then(caption)
}

/// From 1 to `most`, without zeros before it.
fn is_numbered(text: &str, word: &str, most: u8) -> bool {
    let Some(digits) = text.strip_prefix(word) else { return false };
    let is_plain = digits.starts_with(|first| matches!(first, '1'..='9'));
    is_plain && digits.parse().is_ok_and(|number: u8| number <= most)
}

fn is_language(text: &str) -> bool {
    let is_subtag = |subtag: &str| {
        (1..=SUBTAG).contains(&subtag.len()) && subtag.bytes().all(|it| it.is_ascii_alphanumeric())
    };
    let main = text.split('-').next().unwrap_or_default();
    let is_main = main.len() >= 2 && main.bytes().all(|it| it.is_ascii_alphabetic());
    is_main && text.split('-').count() <= SUBTAGS && text.split('-').all(is_subtag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_captions_may_be() {
        for text in
            ["CC1=en", "CC4=deu", "SERVICE1=en", "SERVICE63=zh-Hant-TW", "SERVICE10=de-1996"]
        {
            assert!(caption(text).is_some(), "{text}");
        }
        for text in [
            "",
            "CC1",
            "CC1=",
            "CC0=en",
            "CC5=en",
            "CC01=en",
            "cc1=en",
            "CC+1=en",
            "CC=en",
            "SERVICE0=en",
            "SERVICE64=en",
            "SERVICE256=en",
            "SERVICE=en",
            "CC1=e",
            "CC1=e1",
            "CC1=en-",
            "CC1=en\"",
            "CC1=en,x",
            "CC1=en de",
            "CC1=en\n",
            "CC1=tenletters",
            "CC1=en=de",
            "off",
            "TEXT1=en",
        ] {
            assert!(caption(text).is_none(), "{text:?}");
        }
    }
}
