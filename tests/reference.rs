//! `docs/directives.md` says what the tables of the compiled-in modules say, if all are compiled in.
#![cfg(feature = "default")]

#[path = "../src/modules.rs"]
mod modules;

/// Rewrites the page instead of comparing it.
const WRITE: &str = "RSERVE_WRITE_REFERENCE";

#[test]
fn the_page_is_what_the_tables_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/directives.md");
    let wanted = server::reference(modules::MODULES);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(path, &wanted).expect("docs/directives.md is written");
    }
    let page = std::fs::read_to_string(path).unwrap_or_default();
    let different = wanted.lines().zip(page.lines()).find(|(wanted, found)| wanted != found);
    assert!(page == wanted, "{path} is out of date: run this test with {WRITE}=1\n{different:?}");
}
