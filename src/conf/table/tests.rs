//! Directives from text to values, and each message on the way.

use std::path::{Path, PathBuf};

use super::*;
use crate::{Arity, Block, Contexts, Directive, Env, Opt, Tree, contexts, erase};

#[derive(Default)]
struct Web {
    sendfile: Opt<bool>,
    timeout: Opt<u64>,
    age: Opt<u64>,
    size: Opt<u64>,
    requests: Opt<u64>,
    satisfy: Opt<&'static str>,
    index: Opt<Vec<String>>,
    root: Opt<PathBuf>,
    conf: Opt<PathBuf>,
    servers: usize,
}

macro_rules! row {
    ($name:literal, $arity:expr, $set:expr) => {
        Directive {
            name: $name,
            contexts: contexts!(HTTP | SERVER),
            arity: $arity,
            block: Block::No,
            set: $set,
            default: "",
            help: "",
        }
    };
}

static WEB: &[Directive<Web>] = &[
    row!("sendfile", Arity::Flag, |c, s| c.sendfile.set_in(s.flag()?, s)),
    row!("timeout", Arity::Exactly(1), |c, s| c.timeout.set_in(s.time_ms(0)?, s)),
    row!("age", Arity::Exactly(1), |c, s| c.age.set_in(s.time_secs(0)?, s)),
    row!("size", Arity::Exactly(1), |c, s| c.size.set_in(s.size(0)?, s)),
    row!("requests", Arity::Exactly(1), |c, s| c.requests.set_in(s.number(0)?, s)),
    row!("satisfy", Arity::Exactly(1), |c, s| {
        c.satisfy.set_in(s.choice(0, &[("all", "ALL"), ("any", "ANY")])?, s)
    }),
    row!("index", Arity::AtLeast(1), |c, s| {
        s.args().iter().for_each(|word| c.index.push(word.text.clone()));
        Ok(())
    }),
    row!("root", Arity::Exactly(1), |c, s| c.root.set_in(s.path(0), s)),
    row!("key", Arity::Between(1, 2), |c, s| c.conf.set_in(s.conf_path(0), s)),
    Directive {
        name: "server",
        contexts: contexts!(HTTP),
        arity: Arity::Exactly(0),
        block: Block::Yes,
        set: |c, s| {
            c.servers += s.block().len();
            Ok(())
        },
        default: "",
        help: "",
    },
];

fn table() -> Table {
    let mut table = Table::new();
    table.add(7, erase(WEB)).unwrap();
    table
}

/// Sets all directives of a text as if they stood in `http`; gives the warnings too.
fn load(text: &str) -> Result<(Web, Vec<String>), Error> {
    let (table, tree, mut web) = (table(), Tree::parse("t", text)?, Web::default());
    let env = Env::new(&tree.files, Path::new("/srv"), Path::new("/etc"));
    for node in &tree.root {
        let setting = Setting::new(node, Contexts::HTTP, &env);
        if let Some(found) = table.find(&setting)? {
            assert_eq!(found.owner, 7);
            found.entry.set(&mut web, &setting)?;
        }
    }
    let warnings = env.warnings.take();
    Ok((web, warnings.iter().map(Error::render).collect()))
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    let error = load(text).err().map(|error| error.render());
    assert_eq!(error.as_deref(), Some(expected), "{text}");
}

#[test]
fn values() {
    let (web, warnings) = load(
        "sendfile ON; timeout 1s500ms; age 1d; size 4k; requests 100; satisfy Any; index a b;
         index c; root html; key /k.pem x; server { a; b; }",
    )
    .unwrap();
    assert_eq!(web.sendfile.get(), Some(&true));
    assert_eq!((web.timeout.or_default(0), web.age.or_default(0)), (1500, 86_400));
    assert_eq!((web.size.or_default(0), web.requests.or_default(0)), (4096, 100));
    assert_eq!(web.satisfy.get(), Some(&"ANY"));
    assert_eq!(web.index.as_slice(), ["a", "b", "c"]);
    assert_eq!(web.root.get().map(PathBuf::as_path), Some(Path::new("/srv/html")));
    assert_eq!(web.conf.get().map(PathBuf::as_path), Some(Path::new("/k.pem")));
    assert_eq!((web.servers, warnings.len()), (2, 0));
}

#[test]
fn values_that_are_wrong() {
    fails(
        "sendfile maybe;",
        "invalid value \"maybe\" in \"sendfile\" directive, it must be \"on\" or \"off\" in t:1\n    \
         sendfile maybe;\n             ^^^^^",
    );
    fails("size 1x;", "\"size\" directive invalid value in t:1\n    size 1x;\n         ^^");
    fails("age 1ms;", "\"age\" directive invalid value in t:1\n    age 1ms;\n        ^^^");
    fails(
        "requests a;",
        "\"requests\" directive invalid number in t:1\n    requests a;\n             ^",
    );
    fails(
        "satisfy x;",
        "invalid value \"x\" in t:1\n    satisfy x;\n            ^\n\
         it must be one of \"all\", \"any\"",
    );
    fails(
        "size 1; size 2;",
        "\"size\" directive is duplicate in t:1\n    size 1; size 2;\n            ^^^^",
    );
}

#[test]
fn form() {
    fails(
        "size;",
        "invalid number of arguments in \"size\" directive in t:1\n    size;\n    ^^^^\n\
         \"size\" takes 1 argument",
    );
    fails(
        "size 1\nroot x;",
        "invalid number of arguments in \"size\" directive in t:1\n    size 1\n    ^^^^\n\
         is a \";\" missing after \"1\" in line 1?",
    );
    fails("size {}", "directive \"size\" is not terminated by \";\" in t:1\n    size {}\n    ^^^^");
    fails("server;", "directive \"server\" has no opening \"{\" in t:1\n    server;\n    ^^^^^^");
}

#[test]
fn names() {
    fails(
        "timeou 1;",
        "unknown directive \"timeou\" in t:1\n    timeou 1;\n    ^^^^^^\ndid you mean \"timeout\"?",
    );
    fails("zzzzzzzz;", "unknown directive \"zzzzzzzz\" in t:1\n    zzzzzzzz;\n    ^^^^^^^^");
    fails(
        "internal;",
        "\"internal\" directive is not allowed here in t:1\n    internal;\n    ^^^^^^^^\n\
         it may stand in: location",
    );
    fails(
        "ssl_certificate x;",
        "\"ssl_certificate\" directive is not supported (rserve does not do this with TLS yet) in t:1\n    \
         ssl_certificate x;\n    ^^^^^^^^^^^^^^^",
    );
}

#[test]
fn names_without_effect() {
    let (_, warnings) = load("gzip on;").unwrap();
    let warning = "\"gzip\" directive has no effect (it has no part in how answers are compressed here) in t:1\n    \
                   gzip on;\n    ^^^^";
    assert_eq!(warnings, [warning]);
    fails(
        "gzip maybe;",
        "invalid value \"maybe\" in \"gzip\" directive, it must be \"on\" or \"off\" in t:1\n    \
         gzip maybe;\n         ^^^^^",
    );
}

#[test]
fn a_name_has_one_meaning_in_a_context() {
    let mut table = table();
    let error = table.add(8, erase(WEB)).unwrap_err();
    assert_eq!(error.to_string(), "directive \"sendfile\" is defined twice by modules");
    static MAIN: &[Directive<()>] = &[Directive {
        name: "root",
        contexts: contexts!(MAIN),
        arity: Arity::Exactly(0),
        block: Block::No,
        set: |(), _| Ok(()),
        default: "",
        help: "",
    }];
    table.add(8, erase(MAIN)).unwrap();
    assert_eq!(table.entries().count(), WEB.len() + 1);
    let tree = Tree::parse("t", "root;").unwrap();
    let env = Env::new(&tree.files, Path::new(""), Path::new(""));
    let setting = Setting::new(&tree.root[0], Contexts::MAIN, &env);
    let found = table.find(&setting).unwrap().unwrap();
    assert_eq!(found.owner, 8);
    assert!(found.entry.set(&mut 1_u8, &setting).is_err());
    assert!(found.entry.set(&mut (), &setting).is_ok());
}

#[derive(Default)]
struct Own {
    size: Opt<u64>,
}

static OWN: &[Directive<Own>] = &[Directive::new(
    "size",
    Contexts::OWN,
    Arity::Exactly(1),
    |c, s| c.size.set_in(s.size(0)?, s),
    "",
    "",
)];

/// The block of a module of others: a name that means something elsewhere, too, and one that is only elsewhere.
#[test]
fn a_block_of_a_modules_own() {
    let read = |text: &str| {
        let tree = Tree::parse("t", text)?;
        let env = Env::new(&tree.files, Path::new(""), Path::new(""));
        let mut own = Own::default();
        let block = Setting::new(&tree.root[0], Contexts::MAIN, &env);
        read_block(&block, Contexts::OWN, OWN, &mut own).map(|()| own.size.get().copied())
    };
    assert_eq!(read("own { }").unwrap(), None);
    assert_eq!(read("own { size 4k; }").unwrap(), Some(4096));
    let why = |text: &str| read(text).unwrap_err().to_string();
    assert!(why("own { size 4k; size 4k; }").contains("duplicate"));
    assert!(why("own { size; }").contains("invalid number of arguments"));
    assert!(why("own { server_name x; }").contains("is not allowed here"));
    assert!(why("own { sise 4k; }").contains("unknown directive \"sise\""));
}
