//! What is right to the letter and yet a trap: `rserve -t --lint`.
//!
//! A check looks at one directive and what stands around it; it knows nothing of the modules that implement
//! them. Each is a row in a file of `checks`, with a configuration that it warns of and one that it does not:
//! these are its tests, and with its reason and its remedy the page `docs/lint.md`.
//!
//! `# lint:ignore NAME` behind a directive, or in the line before, silences a check there.
#![forbid(unsafe_code)]

mod check;
mod checks;
mod ignore;
mod location;
mod page;
mod pattern;
mod place;
mod text;

#[cfg(test)]
mod tests;

pub use check::Check;
pub use page::page;

use conf::{Error, Node, Tree};

use check::Report;
use place::Place;

/// What is found.
#[derive(Debug)]
pub struct Warning {
    /// The check that found it.
    pub check: &'static Check,
    /// What is found, and where; its hint is the remedy.
    pub error: Error,
}

/// Blocks whose lines are no directives: values, networks, types.
const TABLES: &[&str] = &["map", "geo", "types", "split_clients", "charset_map"];

/// All checks.
pub fn all() -> impl Iterator<Item = &'static Check> {
    checks::ALL.iter().copied().flatten()
}

/// Looks at a whole configuration; what is found comes in the order of its lines.
pub fn look(tree: &Tree) -> Vec<Warning> {
    let mut report = Report::default();
    walk(&tree.root, &mut Vec::new(), &mut report);
    let mut found = report.found;
    found.sort_by_key(|found| (found.span.file, found.span.line, found.span.column));
    // A file that is included twice has its traps twice.
    found.dedup_by_key(|found| (found.span, found.check.name));
    found.retain(|found| !ignore::says(&tree.files, found.span, found.check.name));
    let warning = |found: check::Found| {
        let error = Error::at(found.message, found.span, &tree.files);
        Warning { check: found.check, error: error.with_hint(found.check.remedy) }
    };
    found.into_iter().map(warning).collect()
}

/// `outer` are the blocks around, the outermost first.
fn walk<'t>(nodes: &'t [Node], outer: &mut Vec<&'t Node>, report: &mut Report) {
    for node in nodes {
        let place = Place { node, outer };
        for check in all() {
            report.check = Some(check);
            (check.look)(&place, report);
        }
        if let Some(block) = &node.block
            && !TABLES.contains(&node.name.text.as_str())
        {
            outer.push(node);
            walk(block, outer, report);
            outer.pop();
        }
    }
}
