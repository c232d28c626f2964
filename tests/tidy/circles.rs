//! No circles: files of a crate that need each other are one file, or want another border.
//!
//! A file needs another if it names something that is defined there: `crate::a::B`, `super::B`, `child::B`, through
//! re-exports (`pub use`) to the file that has it. A module's own file stands above its children's: what it names of them
//! is the tree, and no need. What they name of it is.

use std::collections::{BTreeMap, BTreeSet};

/// A crate's files, by module path (the root's is empty).
struct Tree {
    files: BTreeMap<Vec<String>, File>,
}

struct File {
    path: String,
    /// Names that it has from elsewhere: imports and re-exports.
    imports: BTreeMap<String, Vec<String>>,
    /// Everything that it names, as absolute paths.
    names: Vec<Vec<String>>,
}

/// One line for each circle among the files of the crate in `folder`.
pub fn find(folder: &str, sources: &[(String, String)]) -> Vec<String> {
    let tree = Tree::new(folder, sources);
    let modules: Vec<_> = tree.files.keys().cloned().collect();
    let needs: BTreeMap<_, BTreeSet<_>> =
        modules.iter().map(|module| (module.clone(), tree.needs(module))).collect();
    let reach: BTreeMap<_, _> =
        modules.iter().map(|from| (from, reachable(from, &needs))).collect();
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for module in &modules {
        if !reach[module].contains(module) || seen.contains(module) {
            continue;
        }
        let circle: Vec<_> = modules
            .iter()
            .filter(|other| reach[module].contains(*other) && reach[other].contains(module))
            .collect();
        seen.extend(circle.iter().copied());
        let paths: Vec<_> = circle
            .iter()
            .map(|module| {
                let inside = needs[*module].iter().filter(|need| circle.contains(need));
                let inside: Vec<_> = inside
                    .map(|need| match need.is_empty() {
                        true => "the root".to_owned(),
                        false => need.join("::"),
                    })
                    .collect();
                format!("    {} needs {}", tree.files[*module].path, inside.join(", "))
            })
            .collect();
        faults.push(format!("{folder}: a circle of {} files:\n{}", paths.len(), paths.join("\n")));
    }
    faults
}

fn reachable(
    from: &Vec<String>,
    needs: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    let mut open: Vec<_> = needs[from].iter().collect();
    while let Some(module) = open.pop() {
        if found.insert(module.clone()) {
            open.extend(&needs[module]);
        }
    }
    found
}

impl Tree {
    fn new(folder: &str, sources: &[(String, String)]) -> Tree {
        let mut files = BTreeMap::new();
        for (path, text) in sources {
            let Some(inner) = path.strip_prefix(&format!("{folder}/")) else { continue };
            // The tests of a crate see it from outside, or stand beside what they test.
            let is_test = inner
                .split('/')
                .any(|part| matches!(part, "tests" | "tests.rs" | "benches" | "examples"));
            if is_test {
                continue;
            }
            let inner = inner.strip_suffix(".rs").unwrap_or(inner);
            let mut module: Vec<String> = inner.split('/').map(str::to_owned).collect();
            if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
                module.pop();
            }
            files.insert(module, (path.clone(), text.clone()));
        }
        let children = |module: &[String]| -> BTreeSet<String> {
            let below =
                files.keys().filter(|key| key.len() == module.len() + 1 && key.starts_with(module));
            below.filter_map(|key| key.last().cloned()).collect()
        };
        let files = files.iter().map(|(module, (path, text))| {
            let (imports, names) = names(&strip(text), module, &children(module));
            (module.clone(), File { path: path.clone(), imports, names })
        });
        Tree { files: files.collect() }
    }

    fn needs(&self, module: &Vec<String>) -> BTreeSet<Vec<String>> {
        let names = self.files[module].names.iter();
        let owners = names.filter_map(|name| self.owner(name, 0)).filter(|owner| owner != module);
        owners.filter(|owner| !is_child(owner, module)).collect()
    }

    /// The module that has what an absolute path names.
    fn owner(&self, name: &[String], depth: usize) -> Option<Vec<String>> {
        let len = (0..=name.len()).rev().find(|&len| self.files.contains_key(&name[..len]))?;
        let module = &name[..len];
        let Some(next) = name.get(len) else { return Some(module.to_vec()) };
        match self.files[module].imports.get(next) {
            Some(from) if depth < 8 && from != &name[..=len] => {
                let full = [from, &name[len + 1..]].concat();
                self.owner(&full, depth + 1)
            }
            _ => Some(module.to_vec()),
        }
    }
}

fn is_child(module: &[String], parent: &[String]) -> bool {
    module.len() == parent.len() + 1 && module.starts_with(parent)
}

/// Without comments, strings and what is compiled for tests alone.
fn strip(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

type Names = (BTreeMap<String, Vec<String>>, Vec<Vec<String>>);

/// What a file imports, and all that it names.
fn names(text: &str, module: &[String], children: &BTreeSet<String>) -> Names {
    let mut imports = BTreeMap::new();
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("use ") {
        let starts = before.trim_end_matches(' ').ends_with(['\n', ')', '{', '}'])
            || before.trim_end().is_empty()
            || before.ends_with("pub ");
        let Some((tree, after)) = behind.split_once(';') else { break };
        if starts {
            let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
            expand("", &tree, &mut |path, alias| {
                if let Some(path) = absolute(path, module, children) {
                    imports.insert(alias.to_owned(), path.clone());
                    all.push(path);
                }
            });
            rest = after;
        } else {
            rest = behind;
        }
    }
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    for word in text.split(|c| !is_name(c)).filter(|word| word.contains("::")) {
        let word = word.trim_end_matches(':');
        if let Some(path) = absolute(word, module, children) {
            all.push(path);
        }
    }
    (imports, all)
}

/// Gives each path of a `use`, and the name that it has here.
fn expand(prefix: &str, tree: &str, give: &mut impl FnMut(&str, &str)) {
    let tree = tree.trim();
    if let Some(at) = tree.find('{') {
        let inner = &tree[at + 1..tree.rfind('}').unwrap_or(tree.len())];
        let prefix = format!("{prefix}{}", &tree[..at]);
        let (mut depth, mut from) = (0, 0);
        for (i, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    expand(&prefix, &inner[from..i], give);
                    from = i + 1;
                }
                _ => {}
            }
        }
        if !inner[from..].trim().is_empty() {
            expand(&prefix, &inner[from..], give);
        }
        return;
    }
    let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
    let full = format!("{prefix}{path}");
    let full = full.strip_suffix("::self").unwrap_or(&full);
    let own = full.rsplit("::").next().unwrap_or(full);
    give(full, if alias.is_empty() { own } else { alias });
}

/// A path from the crate's root; `None`: it leads elsewhere.
fn absolute(path: &str, module: &[String], children: &BTreeSet<String>) -> Option<Vec<String>> {
    let mut base: Vec<String> = module.to_vec();
    let mut parts = path.split("::").map(str::trim).peekable();
    match *parts.peek()? {
        "crate" => {
            parts.next();
            base.clear();
        }
        "self" => drop(parts.next()),
        "super" => {
            while parts.peek() == Some(&"super") {
                parts.next();
                base.pop()?;
            }
        }
        first if children.contains(first) => {}
        _ => return None,
    }
    base.extend(parts.filter(|part| !part.is_empty() && *part != "*").map(str::to_owned));
    Some(base)
}

#[test]
fn a_circle_is_found_through_a_re_export() {
    let sources = [
        ("c/lib.rs", "mod a;\nmod b;\npub use a::A;\n"),
        ("c/a.rs", "use crate::b::B;\npub struct A(B);\n"),
        ("c/b.rs", "use crate::A;\npub struct B(Box<A>);\n"),
    ];
    let sources: Vec<_> = sources.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    let found = find("c", &sources);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("c/a.rs needs b") && found[0].contains("c/b.rs needs a"),
        "{found:?}"
    );
    assert!(find("c", &sources[..2]).is_empty());
}
