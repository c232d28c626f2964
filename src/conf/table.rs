//! The directives of all modules in one table.

use std::collections::BTreeMap;

use crate::known::{self, Known};
use crate::{Contexts, Directive, Entry, Error, Lack, Node, Setting, check, erase, foreign};

/// All directives, by name. A name may have several rows, for different contexts.
#[derive(Debug, Default)]
pub struct Table {
    rows: BTreeMap<&'static str, Vec<(usize, Entry)>>,
}

/// The row for a directive.
#[derive(Clone, Copy, Debug)]
pub struct Found<'t> {
    /// Whose it is: the number given to [`Table::add`].
    pub owner: usize,
    /// The row.
    pub entry: &'t Entry,
}

impl Table {
    /// A table without rows.
    pub fn new() -> Table {
        Table::default()
    }

    /// Adds the rows of a module; `owner` is returned with them. A name can have only one meaning
    /// in a context.
    pub fn add(
        &mut self,
        owner: usize,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<(), Error> {
        for entry in entries {
            let rows = self.rows.entry(entry.name).or_default();
            if rows.iter().any(|(_, row)| row.contexts.meets(entry.contexts)) {
                let message = format!("directive \"{}\" is defined twice by modules", entry.name);
                return Err(Error::new(message));
            }
            rows.push((owner, entry));
        }
        Ok(())
    }

    /// All rows, by name.
    pub fn entries(&self) -> impl Iterator<Item = Found<'_>> {
        self.rows.values().flatten().map(|(owner, entry)| Found { owner: *owner, entry })
    }

    /// Finds the row for a directive and checks the directive against it.
    ///
    /// `None` if it has no effect: nginx has it, it can be ignored, and the user has been warned.
    pub fn find(&self, setting: &Setting<'_>) -> Result<Option<Found<'_>>, Error> {
        let (name, context) = (setting.name(), setting.context());
        let directives = &setting.env().directives;
        directives.set(directives.get() + 1);
        let rows = self.rows.get(name).map_or(&[][..], Vec::as_slice);
        if let Some((owner, entry)) = rows.iter().find(|(_, row)| row.contexts.meets(context)) {
            check(setting, entry.arity, entry.block)?;
            return Ok(Some(Found { owner: *owner, entry }));
        }
        let implemented: Vec<&str> = self.rows.keys().copied().collect();
        let here = rows.iter().fold(Contexts::NONE, |all, (_, row)| all | row.contexts);
        match known::verdict(name, context, &implemented) {
            Known::Tuned => {
                if let Some(known) = known::find(name, context) {
                    check(setting, known.arity, known.block)?;
                }
                Ok(None)
            }
            Known::Accepted { why } => {
                if let Some(known) = known::find(name, context) {
                    check(setting, known.arity, known.block)?;
                }
                let why = match name {
                    "load_module" => foreign::loaded(setting.arg(0)),
                    _ => why,
                };
                let message = format!("\"{name}\" directive has no effect ({why})");
                let warning = setting.error(message).lacking(lack(setting, why));
                setting.env().warnings.borrow_mut().push(warning);
                Ok(None)
            }
            Known::Refused { why } => {
                let message = format!("\"{name}\" directive is not supported ({why})");
                Err(setting.error(message).lacking(lack(setting, why)))
            }
            Known::Foreign { module, advice } => {
                let message = format!("\"{name}\" directive is of the module {module} ({advice})");
                let why = format!("{module}: {advice}");
                Err(setting.error(message).lacking(lack(setting, why)))
            }
            Known::Misplaced { contexts } => Err(misplaced(setting, contexts | here)),
            Known::Unknown { .. } if here != Contexts::NONE => Err(misplaced(setting, here)),
            Known::Unknown { nearest } => {
                let error = setting.error(format!("unknown directive \"{name}\""));
                Err(match nearest {
                    Some(nearest) => error.with_hint(format!("did you mean \"{nearest}\"?")),
                    None => error,
                })
            }
        }
    }
}

/// Sets what stands in the block of a directive, which is `context`, by these rows.
pub fn read_block<C: 'static>(
    setting: &Setting<'_>,
    context: Contexts,
    rows: &'static [Directive<C>],
    conf: &mut C,
) -> Result<(), Error> {
    let mut table = Table::new();
    table.add(0, erase(rows))?;
    for node in setting.block() {
        let inner = Setting::new(node, context, setting.env());
        let set = table.find(&inner).and_then(|found| match found {
            Some(found) => found.entry.set(conf, &inner),
            None => Ok(()),
        });
        setting.env().settle(set)?;
    }
    Ok(())
}

/// What is lost with this directive.
fn lack(setting: &Setting<'_>, why: String) -> Lack {
    fn count(nodes: &[Node]) -> usize {
        nodes.iter().map(|node| 1 + node.block.as_deref().map_or(0, count)).sum()
    }
    let inside = count(setting.block());
    let directives = &setting.env().directives;
    directives.set(directives.get() + inside);
    Lack { name: setting.name().to_owned(), why, directives: 1 + inside }
}

fn misplaced(setting: &Setting<'_>, contexts: Contexts) -> Error {
    let message = format!("\"{}\" directive is not allowed here", setting.name());
    setting.error(message).with_hint(format!("it may stand in: {contexts}"))
}

#[cfg(test)]
mod tests;
