//! What a `User-Agent` tells of a browser, by nginx's rules.

use conf::{Error, Setting};

/// What a browser is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    Modern,
    Ancient,
}

/// One `modern_browser`.
#[derive(Clone, Copy, Debug)]
pub enum Modern {
    /// A browser, from this version on.
    From(&'static Known, u64),
    /// All that none else names.
    Unlisted,
}

/// How a browser is known: by a text that stands behind so many bytes, and before its version.
#[derive(Debug)]
pub struct Known {
    name: &'static str,
    skip: usize,
    text: &'static [u8],
    /// Its version follows after so many bytes of the text.
    add: usize,
}

/// In the order in which they are looked for: Opera calls itself other names, too.
static KNOWN: [Known; 5] = [
    Known { name: "opera", skip: 0, text: b"Opera", add: 6 },
    Known { name: "msie", skip: 25, text: b"MSIE ", add: 5 },
    Known { name: "gecko", skip: 13, text: b"rv:", add: 3 },
    Known { name: "safari", skip: 13, text: b"Safari/", add: 7 },
    Known { name: "konqueror", skip: 25, text: b"Konqueror/", add: 10 },
];

/// Reads `modern_browser NAME VERSION` or `modern_browser unlisted`.
pub fn modern(setting: &Setting<'_>) -> Result<Modern, Error> {
    if setting.args().len() == 1 {
        return match setting.arg(0) {
            "unlisted" => Ok(Modern::Unlisted),
            other => Err(setting.error_at(0, format!("unknown browser name \"{other}\""))),
        };
    }
    let (name, text) = (setting.arg(0), setting.arg(1));
    let known = KNOWN.iter().find(|known| known.name == name);
    let known =
        known.ok_or_else(|| setting.error_at(0, format!("unknown browser name \"{name}\"")))?;
    let invalid = || setting.error_at(1, format!("invalid browser version \"{text}\""));
    let is_version = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match is_version && !text.is_empty() && text.split('.').count() <= 4 {
        true => Ok(Modern::From(known, version(text.as_bytes()).ok_or_else(invalid)?)),
        false => Err(invalid()),
    }
}

/// Up to four numbers with points between them as one; `None`: it is too large for one.
fn version(text: &[u8]) -> Option<u64> {
    let end = text.iter().position(|byte| !(byte.is_ascii_digit() || *byte == b'.'));
    let text = &text[..end.unwrap_or(text.len())];
    let (mut version, mut scale) = (0_u64, 1_000_000_u64);
    for number in text.split(|&byte| byte == b'.') {
        let number = number.iter().fold(0_u64, |number, digit| {
            number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
        });
        version = version.saturating_add(number.saturating_mul(scale));
        scale /= 100;
    }
    (version <= i32::MAX as u64).then_some(version)
}

/// The rules of a location.
pub struct Rules {
    modern: Vec<(&'static Known, u64)>,
    unlisted: bool,
    ancient: Vec<Vec<u8>>,
    netscape4: bool,
}

impl Rules {
    /// Of what is written.
    pub fn new(modern: &[Modern], ancient: Vec<String>) -> Rules {
        let from = |modern: &Modern| match modern {
            Modern::From(known, version) => Some((*known, *version)),
            Modern::Unlisted => None,
        };
        let mut known: Vec<_> = modern.iter().filter_map(from).collect();
        let place = |known: &Known| KNOWN.iter().position(|other| other.name == known.name);
        known.sort_by_key(|(known, _)| place(known));
        let netscape4 = ancient.iter().any(|text| text == "netscape4");
        let ancient = ancient.into_iter().filter(|text| text != "netscape4");
        Rules {
            modern: known,
            unlisted: modern.iter().any(|modern| matches!(modern, Modern::Unlisted)),
            ancient: ancient.map(String::into_bytes).collect(),
            netscape4,
        }
    }

    /// What the browser is taken for.
    pub fn age(&self, agent: Option<&[u8]>) -> Age {
        let unlisted = if self.unlisted { Age::Modern } else { Age::Ancient };
        let Some(agent) = agent else { return unlisted };
        for (known, from) in &self.modern {
            let Some(rest) = agent.get(known.skip..) else { continue };
            let Some(at) = find(rest, known.text) else { continue };
            let Some(text) = rest.get(at + known.add..).filter(|text| !text.is_empty()) else {
                continue;
            };
            if version(text).is_none_or(|version| version >= *from) {
                return Age::Modern;
            }
        }
        if !self.modern.is_empty() && !self.unlisted {
            return Age::Ancient;
        }
        if self.netscape4 && is_netscape4(agent) {
            return Age::Ancient;
        }
        if self.ancient.iter().any(|text| find(agent, text).is_some()) {
            return Age::Ancient;
        }
        unlisted
    }
}

fn is_netscape4(agent: &[u8]) -> bool {
    agent.len() > "Mozilla/4.72 ".len() - 1
        && agent.starts_with(b"Mozilla/")
        && matches!(agent[8], b'1'..=b'4')
}

/// Internet Explorer up to its tenth version.
pub fn is_msie(agent: &[u8]) -> bool {
    find(agent, b"MSIE ").is_some_and(|at| at + 7 < agent.len()) && find(agent, b"Opera").is_none()
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    match word.is_empty() {
        true => Some(0),
        false => text.windows(word.len()).position(|part| part == word),
    }
}
