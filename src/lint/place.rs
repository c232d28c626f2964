//! A directive where it stands.

use conf::Node;

/// A directive, and the blocks around it.
pub(crate) struct Place<'t> {
    pub(crate) node: &'t Node,
    /// The outermost first.
    pub(crate) outer: &'t [&'t Node],
}

impl<'t> Place<'t> {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.node.name == name
    }

    /// The block that it stands in.
    pub(crate) fn parent(&self) -> Option<&'t Node> {
        self.outer.last().copied()
    }

    pub(crate) fn stands_in(&self, name: &str) -> bool {
        self.parent().is_some_and(|parent| parent.name == name)
    }

    /// The blocks around, the innermost first.
    pub(crate) fn around(&self) -> impl Iterator<Item = &'t Node> {
        self.outer.iter().rev().copied()
    }

    /// The nearest block of this name.
    pub(crate) fn nearest(&self, name: &str) -> Option<&'t Node> {
        self.around().find(|block| block.name == name)
    }

    /// Whether it is about requests: `stream {}` has some of the names, and other rules.
    pub(crate) fn is_http(&self) -> bool {
        self.outer.first().is_some_and(|block| block.name == "http")
    }

    /// Whether a block around has one of these directives.
    pub(crate) fn is_under(&self, names: &[&str]) -> bool {
        self.around().any(|block| names.iter().any(|name| has(block, name)))
    }

    /// Whether its server listens to this machine only.
    pub(crate) fn is_local(&self) -> bool {
        let local = |text: &str| {
            ["127.", "[::1]", "localhost", "unix:"].iter().any(|head| text.starts_with(head))
        };
        let mut listens = self.nearest("server").into_iter().flat_map(|s| all(s, "listen"));
        let first = listens.next();
        first.is_some() && first.into_iter().chain(listens).all(|node| local(arg(node, 0)))
    }
}

/// The directives in a block.
pub(crate) fn children(block: &Node) -> &[Node] {
    block.block.as_deref().unwrap_or_default()
}

/// Those of a name in a block.
pub(crate) fn all<'t>(block: &'t Node, name: &str) -> impl Iterator<Item = &'t Node> {
    children(block).iter().filter(move |node| node.name == name)
}

/// Whether a block has one of this name, itself.
pub(crate) fn has(block: &Node, name: &str) -> bool {
    all(block, name).next().is_some()
}

/// An argument; empty if there is none.
pub(crate) fn arg(node: &Node, number: usize) -> &str {
    node.args.get(number).map_or("", |word| word.text.as_str())
}

/// Whether a directive has an argument.
pub(crate) fn says(node: &Node, word: &str) -> bool {
    node.args.iter().any(|arg| arg == word)
}
