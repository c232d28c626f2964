//! Every crate that is linked may be linked: its licence is on the list in `deny.toml`. This needs
//! nothing but cargo; `cargo deny check` sees more, for whoever has it.

use std::process::Command;

/// The words of `allow = [ … ]`.
fn allowed() -> Vec<&'static str> {
    let text = include_str!("../deny.toml");
    let list = text.split("allow = [").nth(1).and_then(|rest| rest.split(']').next());
    list.expect("allow = [").split('"').skip(1).step_by(2).collect()
}

/// Whether an expression can be satisfied: one side of every OR, both of every AND, which binds more tightly; `A/B` is the
/// old way to write OR.
fn permits(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words: Vec<_> = spaced.split_whitespace().rev().map(str::to_owned).collect();
    // `Apache-2.0 WITH LLVM-exception` is one name.
    while let Some(at) = words.iter().position(|word| word == "WITH") {
        let name = format!("{} WITH {}", words[at + 1], words[at - 1]);
        words.splice(at - 1..=at + 1, [name]);
    }
    any_of(&mut words, allowed) && words.is_empty()
}

/// `A OR B`; the next word is the last of the list.
fn any_of(words: &mut Vec<String>, allowed: &[&str]) -> bool {
    let mut permitted = all_of(words, allowed);
    while words.pop_if(|word| word == "OR").is_some() {
        permitted |= all_of(words, allowed);
    }
    permitted
}

/// `A AND B`, of names and of what is in parentheses.
fn all_of(words: &mut Vec<String>, allowed: &[&str]) -> bool {
    let mut permitted = true;
    loop {
        permitted &= match words.pop() {
            Some(word) if word == "(" => {
                any_of(words, allowed) && words.pop().is_some_and(|w| w == ")")
            }
            Some(word) => allowed.contains(&&word[..]),
            None => false,
        };
        if words.pop_if(|word| word == "AND").is_none() {
            return permitted;
        }
    }
}

#[test]
fn expressions_are_understood() {
    let allowed = ["MIT", "Apache-2.0", "Unicode-3.0"];
    let cases = [
        ("MIT", true),
        ("MIT/GPL-3.0", true),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND GPL-3.0", false),
        ("MIT AND (GPL-3.0 OR Apache-2.0) AND Unicode-3.0", true),
        ("MIT AND (GPL-3.0 OR (LGPL-3.0 AND MIT))", false),
        ("GPL-3.0 OR MIT AND Unicode-3.0", true),
        ("MIT)", false),
        ("(MIT", false),
        ("", false),
    ];
    for (expression, wanted) in cases {
        assert_eq!(permits(expression, &allowed), wanted, "{expression}");
    }
}

#[test]
fn licences_are_on_the_list() {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--workspace", "--offline", "--locked", "--edges", "normal,build,dev"]);
    tree.args(["--prefix", "none", "--format", "{p}\t{l}"]);
    let output = tree.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree: {said}");

    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let allowed = allowed();
    let crates: Vec<_> = listed.lines().filter_map(|line| line.split_once('\t')).collect();
    assert!(crates.len() > 20, "cargo tree lists the crates: {listed}");
    // A crate that was listed before has a mark instead of its dependencies.
    let bare = |licence: &str| licence.trim_end_matches(" (*)").trim().to_owned();
    let mut refused: Vec<_> =
        crates.into_iter().filter(|(_, licence)| !permits(&bare(licence), &allowed)).collect();
    refused.dedup();
    assert!(refused.is_empty(), "neither allowed by deny.toml nor known: {refused:#?}");
}
