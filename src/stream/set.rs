//! `set`: variables that a server gives to its sessions.

use std::rc::Rc;

use conf::{Error, Word};
use http::vars::assigned::Sets;
use http::vars::names::{Names, Own};

use crate::api::{Declarations, Hooks, Template};
use crate::session::{Handler, Phase, Session};

/// One variable, and what it becomes.
struct Assignment {
    variable: Rc<Own<Session>>,
    value: Template,
}

impl Handler for Assignment {
    fn handle(&self, session: &mut Session) -> Result<(), u16> {
        let value = self.value.evaluate(session);
        session.assign(&self.variable, value);
        Ok(())
    }
}

/// Makes the variables.
pub fn declare(written: &[(Word, Word)], declarations: &Declarations<'_, '_>) -> Result<(), Error> {
    written.iter().try_for_each(|(variable, _)| declarations.own(variable).map(drop))
}

/// Has them set, in the order of writing.
pub fn install(
    written: &[(Word, Word)],
    names: &Names<Session>,
    hooks: &mut Hooks<'_, '_>,
) -> Result<(), Error> {
    for (word, value) in written {
        let name = word.text.strip_prefix('$').unwrap_or(&word.text);
        let variable = names.own(name).map_err(|why| hooks.error(word, why))?;
        let value = hooks.template(value)?;
        hooks.on(Phase::Preread, Assignment { variable, value });
    }
    Ok(())
}
