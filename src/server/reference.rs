//! The reference of directives and variables, made from the tables that the parser uses.

use std::fmt::Write;

use conf::{Block, Entry, erase};

use crate::Modules;
use crate::core_conf::CoreConf;
use crate::events::Events;

/// Every directive and variable of the compiled-in modules as a page in Markdown.
pub fn reference(modules: Modules) -> String {
    let mut text = String::from(
        "# Directives and variables

Generated from the tables that the parser uses: `rserve --directives` prints it for the modules that a \
         binary has. A test compares this page with them, and rewrites it with \
         `RSERVE_WRITE_REFERENCE=1`.
",
    );
    section(&mut text, "core", erase(CoreConf::DIRECTIVES).chain(erase(Events::DIRECTIVES)));
    for (name, entries) in modules.iter().flat_map(|module| module.parts()) {
        section(&mut text, name, entries.into_iter());
    }
    text.push_str(
        "\n# Variables\n\nA name that ends with `_` stands for all names that begin so.\n",
    );
    for (name, rows) in modules.iter().flat_map(|module| module.variables()) {
        let _ = writeln!(text, "\n## Variables of {name}\n\n| variable | |\n|---|---|");
        for (variable, help) in rows {
            let _ = writeln!(text, "| `${variable}` | {} |", help.replace('|', "\\|"));
        }
    }
    text
}

fn section(text: &mut String, name: &str, entries: impl Iterator<Item = Entry>) {
    let _ = writeln!(text, "\n## {name}\n\n| directive | takes | default | stands in | |");
    let _ = writeln!(text, "|---|---|---|---|---|");
    for entry in entries {
        let takes = match entry.block {
            Block::Yes => format!("{}, a block", entry.arity),
            Block::No => entry.arity.to_string(),
        };
        let default = match entry.default {
            "" => String::new(),
            default => format!("`{default}`"),
        };
        let Entry { name, contexts, .. } = entry;
        // A bar would begin another column.
        let help = entry.help.replace('|', "\\|");
        let _ = writeln!(text, "| `{name}` | {takes} | {default} | {contexts} | {help} |");
    }
}
