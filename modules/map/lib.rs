//! `map`: a variable whose value depends on others'.
//!
//! ```text
//! map SOURCE $variable { default … ; word value; *.host value; ~expression value; }
//!   exact word ─▶ longest *.suffix ─▶ longest prefix.* ─▶ expressions in their order ─▶ default
//! ```
#![forbid(unsafe_code)]

mod read;
mod table;

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Opt, Setting, contexts};
use http::vars::scope::Scope;
use http::{Declarations, Hooks, Module};

use read::Written;
use table::Map;

/// The module.
pub struct Maps;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    maps: Opt<Vec<Rc<Written>>>,
    hash_max_size: Opt<u64>,
    hash_bucket_size: Opt<u64>,
}

impl Module for Maps {
    const NAME: &'static str = "map";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = DIRECTIVES;

    fn declare(conf: &Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        conf.declare(declarations)
    }

    fn inherit(_: &mut Conf, _: &Conf) {}

    fn install(_: &Conf, _: &mut Hooks<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

impl stream::Module for Maps {
    const NAME: &'static str = "stream map";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = DIRECTIVES;
    const IS_OF_HTTP: bool = true;

    fn declare(conf: &Conf, declarations: &stream::Declarations<'_, '_>) -> Result<(), Error> {
        conf.declare(declarations)
    }

    fn inherit(_: &mut Conf, _: &Conf) {}

    fn install(_: &Conf, _: &mut stream::Hooks<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

const BLOCKS: Contexts = contexts!(HTTP | STREAM);

const DIRECTIVES: &[Directive<Conf>] = &[
        Directive::new(
            "map",
            BLOCKS,
            Arity::Exactly(2),
            set_map,
            "",
            "a variable (second argument) whose value depends on the first: lines of a word, *.suffix, prefix.* (hostnames) or ~expression, and a value; default, hostnames, volatile",
        )
        .with_block(),
        Directive::new(
            "map_hash_max_size",
            BLOCKS,
            Arity::Exactly(1),
            |c, s| c.hash_max_size.set_in(s.number(0)?, s),
            "2048",
            "without effect: tables of maps are as large as they need to be",
        ),
        Directive::new(
            "map_hash_bucket_size",
            BLOCKS,
            Arity::Exactly(1),
            |c, s| c.hash_bucket_size.set_in(s.size(0)?, s),
            "",
            "without effect, as map_hash_max_size",
        ),
    ];

impl Conf {
    fn declare<R: Scope>(&self, declarations: &Declarations<'_, '_, R>) -> Result<(), Error> {
        for written in self.maps.as_slice() {
            let map = Rc::new(Map::new(written, declarations)?);
            declarations.make(&written.variable, map.clone())?;
            let written = written.clone();
            declarations.later(move |declarations| map.fill(&written, declarations));
        }
        Ok(())
    }
}

fn set_map(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    conf.maps.push(Rc::new(read::map(setting)?));
    Ok(())
}
