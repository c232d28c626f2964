//! `rewrite`, `if`, `set`, `return`, `break`: what is done in the rewrite phases of a server and of a location, in the order
//! in which it is written.
//!
//! ```text
//! written (read.rs) ─▶ declared: its variables and expressions ─▶ compiled: steps (steps.rs), which a request runs through
//! ```
//! An `if` is a branch of its location: its own steps are among those of the block that it stands in, and all its other
//! directives are an anonymous location's, in which the request goes on.
#![forbid(unsafe_code)]

mod condition;
mod read;
mod replace;
mod steps;

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Opt, Setting, contexts};
use http::{Declarations, Hooks, Level, Module, Phase};

use crate::read::Written;
use crate::steps::Steps;

/// The module.
pub struct Rewrite;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    /// Of this block alone: those of the blocks around it have been done when it is entered.
    written: Vec<Written>,
    /// `if`s so far.
    branches: usize,
    rewrite_log: Opt<bool>,
}

const ANY: Contexts = contexts!(SERVER | SIF | LOCATION | LIF);
const ALL: Contexts = contexts!(HTTP | SERVER | SIF | LOCATION | LIF);

impl Module for Rewrite {
    const NAME: &'static str = "rewrite";
    type Conf = Conf;
    const BRANCH: Option<&'static str> = Some("if");
    const DIRECTIVES: &'static [Directive<Conf>] = &[
        Directive::new(
            "rewrite",
            ANY,
            Arity::Between(2, 3),
            |conf, setting| read::rewrite(setting).map(|written| conf.written.push(written)),
            "",
            "give a URI that an expression matches another one, [last|break]; or redirect to it: redirect (302), permanent (301), or a URL; a ? at its end drops the arguments",
        ),
        Directive::new(
            "if",
            contexts!(SERVER | LOCATION),
            Arity::AtLeast(1),
            set_if,
            "",
            "what is done if ($variable), ($variable = text), != ~ ~* !~ !~*, (-f file), -d -e -x, !-f …",
        )
        .with_block(),
        Directive::new(
            "set",
            ANY,
            Arity::Exactly(2),
            |conf, setting| read::set(setting).map(|written| conf.written.push(written)),
            "",
            "give a variable a value, as soon as the server, or the location, is known",
        ),
        Directive::new(
            "return",
            ANY,
            Arity::Between(1, 2),
            |conf, setting| read::returns(setting).map(|written| conf.written.push(written)),
            "",
            "answer with CODE [text], CODE URL or URL; 444 closes without an answer",
        ),
        Directive::new(
            "break",
            ANY,
            Arity::Exactly(0),
            |conf, _| {
                conf.written.push(Written::Break);
                Ok(())
            },
            "",
            "nothing more of rewrite, if, set and return here",
        ),
        Directive::new(
            "rewrite_log",
            ALL,
            Arity::Flag,
            |conf, setting| conf.rewrite_log.set_in(setting.flag()?, setting),
            "off",
            "write to the error log, as notices, what expressions match and URIs become",
        ),
    ];

    /// What stands in the last `if` is done where that stands.
    fn branch(conf: &mut Conf, branch: &mut Conf) {
        if let Some(Written::If(.., inner)) = conf.written.last_mut() {
            *inner = std::mem::take(&mut branch.written);
        }
    }

    fn declare(conf: &Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        conf.written.iter().try_for_each(|written| written.declare(declarations))
    }

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.rewrite_log.inherit(&outer.rewrite_log);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.written.is_empty() {
            return Ok(());
        }
        let log = conf.rewrite_log.or_default(false);
        let steps = Rc::new(Steps::compile(&conf.written, log, hooks)?);
        match hooks.level {
            Level::Server => hooks.on(Phase::ServerRewrite, steps::InServer(steps)),
            Level::Location => hooks.on(Phase::Rewrite, steps::InLocation(steps)),
        }
        Ok(())
    }
}

fn set_if(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    conf.written.push(Written::If(read::condition(setting)?, conf.branches, Vec::new()));
    conf.branches += 1;
    Ok(())
}
