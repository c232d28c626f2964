//! What a `location` takes.

use conf::{Node, Word};

use crate::pattern::Pattern;
use crate::place::arg;

/// Its kind, and what it names.
pub(crate) enum Location<'t> {
    Exact(&'t str),
    Prefix(&'t str),
    Regex(&'t str),
    Named,
}

impl<'t> Location<'t> {
    /// What a block takes, if it is a location.
    pub(crate) fn of(node: &'t Node) -> Option<Location<'t>> {
        if node.name != "location" || node.args.is_empty() {
            return None;
        }
        // The sign may stand alone or before the word.
        let (first, second) = (arg(node, 0), arg(node, 1));
        for sign in ["^~", "~*", "~", "="] {
            let Some(rest) = first.strip_prefix(sign) else { continue };
            let rest = if rest.is_empty() { second } else { rest };
            return Some(match sign {
                "^~" => Location::Prefix(rest),
                "=" => Location::Exact(rest),
                _ => Location::Regex(rest),
            });
        }
        Some(if first.starts_with('@') { Location::Named } else { Location::Prefix(first) })
    }

    /// Its prefix, if that is where the next character may be any: `/i` takes `/i..`, too.
    pub(crate) fn open_prefix(node: &'t Node) -> Option<&'t str> {
        match Location::of(node) {
            Some(Location::Prefix(prefix)) if !prefix.ends_with('/') => Some(prefix),
            _ => None,
        }
    }

    /// Its regular expression.
    pub(crate) fn regex(node: &'t Node) -> Option<&'t str> {
        match Location::of(node) {
            Some(Location::Regex(regex)) => Some(regex),
            _ => None,
        }
    }

    /// Its regular expression, compiled.
    pub(crate) fn pattern(node: &'t Node) -> Option<Pattern> {
        let any_case = arg(node, 0).starts_with("~*");
        Pattern::new(Location::regex(node)?, any_case)
    }

    /// The word that stands for it in messages.
    pub(crate) fn word(node: &'t Node) -> &'t Word {
        node.args.last().unwrap_or(&node.name)
    }
}
