//! `set`: a variable gets a value, in the rewrite phases of a server and of a location.
#![forbid(unsafe_code)]

use std::cell::OnceCell;
use std::rc::Rc;

use conf::{Arity, Directive, Error, Opt, Setting, Word, contexts};
use http::{Declarations, Flow, Hooks, Level, Module, Phase, Request, Settable, Template};

/// The module.
pub struct Set;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    /// Of this block alone: those of the blocks around it have been done when it is entered.
    assignments: Opt<Vec<Rc<Assignment>>>,
}

/// One `set`.
pub struct Assignment {
    variable: Word,
    value: Word,
    /// There when the variable is made.
    settable: OnceCell<Settable>,
}

impl Module for Set {
    const NAME: &'static str = "set";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = &[Directive::new(
        "set",
        contexts!(SERVER | LOCATION),
        Arity::Exactly(2),
        set,
        "",
        "give a variable a value, as soon as the server, or the location, is known",
    )];

    fn declare(conf: &Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        for assignment in conf.assignments.as_slice() {
            let settable = declarations.settable(&assignment.variable)?;
            let _ = assignment.settable.set(settable);
        }
        Ok(())
    }

    fn inherit(_: &mut Conf, _: &Conf) {}

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let mut all: Vec<(Settable, Template)> = Vec::new();
        for assignment in conf.assignments.as_slice() {
            if let Some(settable) = assignment.settable.get() {
                all.push((settable.clone(), hooks.template(&assignment.value)?));
            }
        }
        if all.is_empty() {
            return Ok(());
        }
        let phase = match hooks.level {
            Level::Server => Phase::ServerRewrite,
            Level::Location => Phase::Rewrite,
        };
        hooks.on(phase, move |request: &mut Request| {
            for (settable, template) in &all {
                let value = template.evaluate(request);
                request.set(settable, value);
            }
            Flow::Declined
        });
        Ok(())
    }
}

fn set(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let [variable, value] = setting.args() else {
        return Err(setting.error("set takes a variable and a value"));
    };
    let (variable, value) = (variable.clone(), value.clone());
    conf.assignments.push(Rc::new(Assignment { variable, value, settable: OnceCell::new() }));
    Ok(())
}
