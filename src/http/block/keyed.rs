//! A zone of keys: a table in shared memory, and what a request's key in it is made of. `limit_req_zone` and
//! `limit_conn_zone` declare such, as nginx words it: `KEY zone=NAME:SIZE`.

use std::cell::OnceCell;
use std::rc::Rc;

use conf::{Error, Setting, Word};
use mem::Str;
use module::{TableZone, zone_argument};
use sys::log::Level;

use crate::block::declarations::Declarations;
use crate::block::installing::Installing;
use crate::request::Request;
use crate::vars::scope::Scope;
use crate::vars::template::Template;

/// So much of a key that is too long is logged.
const SHOWN: usize = 1024;

/// A zone as it was written.
pub struct KeyedZone<R: 'static = Request> {
    /// Its memory.
    pub table: Rc<TableZone>,
    directive: &'static str,
    key: Word,
    template: OnceCell<Template<R>>,
}

impl<R: Scope> KeyedZone<R> {
    /// Reads the directive. `counted`: each process has entries of its own, which go with it; `before`: the zones that are
    /// declared already; `further` reads the arguments that are not the zone's: `false`, if it does not know one.
    pub fn read<'z>(
        directive: &'static str,
        setting: &Setting<'_>,
        counted: bool,
        mut before: impl Iterator<Item = &'z KeyedZone<R>>,
        mut further: impl FnMut(usize, &str) -> Result<bool, Error>,
    ) -> Result<KeyedZone<R>, Error> {
        let key = setting.args()[0].clone();
        let mut zone = None;
        for (i, word) in setting.args().iter().enumerate().skip(1) {
            if let Some(named) = zone_argument(setting, i)? {
                zone = Some(named);
            } else if !further(i, &word.text)? {
                return Err(setting.error_at(i, format!("invalid parameter \"{}\"", word.text)));
            }
        }
        let named = zone.filter(|(name, _)| !name.text.is_empty());
        let missing = || setting.error(format!("\"{directive}\" must have \"zone\" parameter"));
        let (name, size) = named.ok_or_else(missing)?;
        if let Some(conflict) = before.find_map(|zone| zone.table.conflict(&name.text, size)) {
            return Err(setting.error(conflict));
        }
        let table = Rc::new(TableZone::new(directive, (name, size), &key.text, counted));
        Ok(KeyedZone { table, directive, key, template: OnceCell::new() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.table.name()
    }

    /// Compiles the key, when all variables are known ([`Declarations::later`]).
    pub fn compile(&self, declarations: &Declarations<'_, '_, R>) -> Result<(), Error> {
        let _ = self.template.set(declarations.template(&self.key)?);
        Ok(())
    }

    /// Asks for the memory, once.
    pub fn install(&self, hooks: &mut Installing<'_, '_, R>) -> Result<(), Error> {
        if self.table.install(hooks.setup())? {
            hooks.process(self.table.clone());
        }
        Ok(())
    }

    /// A request's key. `None`: it is empty, and not counted; or it has more than `longest` bytes, which is logged.
    pub fn key(&self, request: &mut R, longest: usize) -> Option<Str> {
        let key = self.template.get()?.evaluate(request);
        if key.len() > longest {
            let (name, shown) = (self.table.key(), key.slice(..SHOWN.min(key.len())));
            let why = format!("the value of the \"{name}\" key is more than {longest} bytes");
            request.log(Level::Error, format_args!("{why}: \"{shown}\""));
            return None;
        }
        (!key.is_empty()).then_some(key)
    }

    /// Says that there is no room for another key.
    pub fn log_full(&self, request: &R) {
        let (directive, name) = (self.directive, self.name());
        let message = format_args!("could not allocate node in {directive} \"{name}\"");
        request.log(Level::Alert, message);
    }
}

/// The status of requests that a limit refuses, as nginx takes it.
pub fn refusal_status(setting: &Setting<'_>) -> Result<u16, Error> {
    Ok(setting.number_in(0, 400..=599)? as u16)
}

/// The error of a directive that names a zone which `directive` does not declare.
pub fn undeclared_zone<R: Scope>(
    name: &Word,
    directive: &str,
    hooks: &Installing<'_, '_, R>,
) -> Error {
    let message = format!("zero size shared memory zone \"{}\"", name.text);
    hooks
        .error(name, message)
        .with_hint(format!("declare it with {directive} in the outermost block"))
}
