//! Contexts: the blocks in which a directive may stand.

use std::fmt;
use std::ops::BitOr;

/// A set of contexts; a single context is a set of one.
///
/// In the constant tables of directives, write it with [`contexts!`](crate::contexts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Contexts(u32);

/// The names, in the order of the bits.
const NAMES: [&str; 19] = [
    "main",
    "events",
    "http",
    "server",
    "location",
    "limit_except",
    "if in server",
    "if in location",
    "upstream",
    "stream",
    "stream server",
    "stream upstream",
    "mail",
    "mail server",
    "rtmp",
    "rtmp server",
    "application",
    "recorder",
    "a module's own block",
];

impl Contexts {
    /// No context.
    pub const NONE: Contexts = Contexts(0);
    /// Every context.
    pub const ANY: Contexts = Contexts(u32::MAX);
    /// Outside any block.
    pub const MAIN: Contexts = Contexts(1);
    /// `events {}`.
    pub const EVENTS: Contexts = Contexts(1 << 1);
    /// `http {}`.
    pub const HTTP: Contexts = Contexts(1 << 2);
    /// `server {}` in `http`.
    pub const SERVER: Contexts = Contexts(1 << 3);
    /// `location {}`.
    pub const LOCATION: Contexts = Contexts(1 << 4);
    /// `limit_except {}`.
    pub const LIMIT_EXCEPT: Contexts = Contexts(1 << 5);
    /// `if {}` in a server.
    pub const SIF: Contexts = Contexts(1 << 6);
    /// `if {}` in a location.
    pub const LIF: Contexts = Contexts(1 << 7);
    /// `upstream {}` in `http`.
    pub const UPSTREAM: Contexts = Contexts(1 << 8);
    /// `stream {}`.
    pub const STREAM: Contexts = Contexts(1 << 9);
    /// `server {}` in `stream`.
    pub const STREAM_SERVER: Contexts = Contexts(1 << 10);
    /// `upstream {}` in `stream`.
    pub const STREAM_UPSTREAM: Contexts = Contexts(1 << 11);
    /// `mail {}`.
    pub const MAIL: Contexts = Contexts(1 << 12);
    /// `server {}` in `mail`.
    pub const MAIL_SERVER: Contexts = Contexts(1 << 13);
    /// `rtmp {}`.
    pub const RTMP: Contexts = Contexts(1 << 14);
    /// `server {}` in `rtmp`.
    pub const RTMP_SERVER: Contexts = Contexts(1 << 15);
    /// `application {}`.
    pub const APPLICATION: Contexts = Contexts(1 << 16);
    /// `recorder {}`.
    pub const RECORDER: Contexts = Contexts(1 << 17);
    /// A block that a core module of others owns. All such modules share it: each reads its block by a table of its own
    /// ([`read_block`](crate::read_block)).
    pub const OWN: Contexts = Contexts(1 << 18);

    /// Both sets together; `|` for constants.
    #[must_use]
    pub const fn or(self, other: Contexts) -> Contexts {
        Contexts(self.0 | other.0)
    }

    /// Whether the sets have a context in common.
    pub const fn meets(self, other: Contexts) -> bool {
        self.0 & other.0 != 0
    }

    /// The set with one context of this name, as [`Contexts`] prints it.
    pub fn named(name: &str) -> Option<Contexts> {
        let bit = NAMES.iter().position(|known| *known == name)?;
        Some(Contexts(1 << bit))
    }

    /// The names of the contexts.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, n)| *n)
    }
}

impl BitOr for Contexts {
    type Output = Contexts;

    fn bitor(self, other: Contexts) -> Contexts {
        self.or(other)
    }
}

impl fmt::Display for Contexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.names().enumerate() {
            write!(f, "{}{name}", if i > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// A set of contexts in a constant: `contexts!(HTTP | SERVER | LOCATION)`.
///
/// Operators on a type of one's own cannot be used in constants, hence the macro.
#[macro_export]
macro_rules! contexts {
    ($($name:ident)|+) => { $crate::Contexts::NONE$(.or($crate::Contexts::$name))+ };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);
        assert!(WEB.meets(Contexts::SERVER) && !WEB.meets(Contexts::MAIN));
        assert_eq!(WEB, Contexts::HTTP | Contexts::SERVER | Contexts::LOCATION);
        assert_eq!(contexts!(HTTP | LIF).to_string(), "http, if in location");
        assert_eq!(Contexts::named("rtmp server"), Some(Contexts::RTMP_SERVER));
        assert_eq!(Contexts::named("recorder"), Some(Contexts::RECORDER));
        assert!(Contexts::ANY.meets(Contexts::RECORDER));
    }
}
