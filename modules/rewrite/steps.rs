//! The steps that a request runs through.

use std::rc::Rc;

use conf::Error;
use http::{Flow, Handler, Hooks, Location, Request, Settable, Template};
use mem::Str;

use crate::condition::Test;
use crate::read::{End, Written};
use crate::replace::Replace;

/// All that is done in a server, or in a location.
pub struct Steps {
    steps: Vec<Step>,
    log: bool,
}

enum Step {
    Set(Settable, Template),
    Return(u16, Option<Template>),
    Rewrite(Replace),
    Break,
    /// With the number of the branch. What is written of it is logged as its own `rewrite_log` says of the block around it.
    If(Test, usize, Vec<Step>),
}

/// A request in the steps.
struct Run<'r> {
    request: &'r mut Request,
    /// Whose branches are entered.
    location: &'static Location,
    log: bool,
    /// The URI is not the one that the location was found by.
    changed: bool,
}

/// What ends the run.
enum Stop {
    /// Nothing more is done.
    End,
    /// This is the answer.
    Flow(Flow),
}

impl Steps {
    /// Compiles them.
    pub fn compile(written: &[Written], log: bool, hooks: &Hooks<'_, '_>) -> Result<Steps, Error> {
        Ok(Steps { steps: compile(written, hooks)?, log })
    }

    /// Runs through them; says whether the URI has changed, or what to do instead of going on.
    fn run(&self, request: &mut Request, location: &'static Location) -> Result<bool, Flow> {
        let mut run = Run { request, location, log: self.log, changed: false };
        match run.all(&self.steps) {
            Ok(()) | Err(Stop::End) => Ok(run.changed),
            Err(Stop::Flow(flow)) => Err(flow),
        }
    }
}

/// Before the location is known.
pub struct InServer(pub Rc<Steps>);

/// When it is.
pub struct InLocation(pub Rc<Steps>);

impl Handler for InServer {
    fn handle(&self, request: &mut Request) -> Flow {
        let location = request.server().location();
        match self.0.run(request, location) {
            Ok(_) => Flow::Declined,
            Err(flow) => flow,
        }
    }
}

impl Handler for InLocation {
    fn handle(&self, request: &mut Request) -> Flow {
        let location = request.location();
        match self.0.run(request, location) {
            Ok(false) => Flow::Declined,
            Ok(true) => Flow::Rewritten,
            Err(flow) => flow,
        }
    }
}

fn compile(written: &[Written], hooks: &Hooks<'_, '_>) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    for written in written {
        steps.push(match written {
            Written::Set { value, settable, variable } => {
                let undeclared = || hooks.error(variable, "the variable was not declared");
                let settable = settable.get().ok_or_else(undeclared)?;
                Step::Set(settable.clone(), hooks.template(value)?)
            }
            Written::Return { status, text } => {
                let text = text.as_ref().map(|word| hooks.template(word)).transpose()?;
                Step::Return(*status, text)
            }
            Written::Rewrite { expression, replacement, end } => {
                Step::Rewrite(Replace::compile(expression, replacement, *end, hooks)?)
            }
            Written::Break => Step::Break,
            Written::If(condition, branch, inner) => {
                Step::If(Test::compile(condition, hooks)?, *branch, compile(inner, hooks)?)
            }
        });
    }
    Ok(steps)
}

impl Run<'_> {
    fn all(&mut self, steps: &[Step]) -> Result<(), Stop> {
        steps.iter().try_for_each(|step| self.one(step))
    }

    fn one(&mut self, step: &Step) -> Result<(), Stop> {
        match step {
            Step::Set(settable, template) => {
                let value = template.evaluate(self.request);
                self.request.set(settable, value);
                Ok(())
            }
            Step::Return(status, text) => Err(Stop::Flow(answer(self.request, *status, text))),
            Step::Rewrite(replace) => self.rewrite(replace),
            Step::Break => {
                self.changed = false;
                Err(Stop::End)
            }
            Step::If(test, branch, inner) => {
                if test.holds(self.request, self.log).map_err(failed)? {
                    self.request.enter_branch(self.location, *branch);
                    self.all(inner)?;
                }
                Ok(())
            }
        }
    }

    fn rewrite(&mut self, replace: &Replace) -> Result<(), Stop> {
        if !replace.run(self.request, self.log).map_err(failed)? {
            return Ok(());
        }
        match replace.end {
            End::Redirect(status) => Err(Stop::Flow(Flow::Status(status))),
            End::Next => {
                self.changed = true;
                Ok(())
            }
            End::Last => {
                self.changed = true;
                Err(Stop::End)
            }
            End::Break => {
                self.changed = false;
                self.request.broke_off = true;
                Err(Stop::End)
            }
        }
    }
}

fn failed(status: u16) -> Stop {
    Stop::Flow(Flow::Status(status))
}

/// What `return` answers.
fn answer(request: &mut Request, status: u16, text: &Option<Template>) -> Flow {
    let text = match text {
        Some(text) => {
            // The text may say it.
            request.response.status = request.forced_status.unwrap_or(status);
            text.evaluate(request)
        }
        // As nginx: what is no error has a type even without a text.
        None if status < 300 => Str::EMPTY,
        None => return Flow::Status(status),
    };
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        request.response.location = Some(text);
        return Flow::Status(status);
    }
    let content_type = request.location().settings.type_of(&request.uri).clone();
    // A 204 loses both when it is framed: filters see them, as in nginx.
    request.response.set_body(status, content_type, text);
    Flow::Respond
}
