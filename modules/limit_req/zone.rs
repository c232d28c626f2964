//! `limit_req_zone`: the keys of requests, and their rate.

use std::cell::OnceCell;
use std::rc::Rc;

use conf::{Error, Setting, Word, value};
use http::{Declarations, Hooks, Template};
use module::{TableZone, zone_argument};

/// A zone as it was written.
pub struct Zone {
    /// Its memory.
    pub table: Rc<TableZone>,
    /// Thousandths of requests in a second.
    pub rate: u64,
    key: Word,
    template: OnceCell<Template>,
}

impl Zone {
    /// Reads the directive; `before`: those that are declared already.
    pub fn read(setting: &Setting<'_>, before: &[Rc<Zone>]) -> Result<Zone, Error> {
        let key = setting.args()[0].clone();
        let (mut zone, mut rate) = (None, 1000);
        for (i, word) in setting.args().iter().enumerate().skip(1) {
            if let Some(named) = zone_argument(setting, i)? {
                zone = Some(named);
            } else if let Some(text) = word.text.strip_prefix("rate=") {
                let invalid = || setting.error_at(i, format!("invalid rate \"{}\"", word.text));
                rate = thousandths(text).ok_or_else(invalid)?;
            } else if word.text == "sync" {
                setting.warn("sync has no effect: a zone is of one machine");
            } else {
                return Err(setting.error_at(i, format!("invalid parameter \"{}\"", word.text)));
            }
        }
        let named = zone.filter(|(name, _)| !name.text.is_empty());
        let missing = || format!("\"{}\" must have \"zone\" parameter", setting.name());
        let (name, size) = named.ok_or_else(|| setting.error(missing()))?;
        let conflict = before.iter().find_map(|zone| zone.table.conflict(&name.text, size));
        if let Some(conflict) = conflict {
            return Err(setting.error(conflict));
        }
        let table = TableZone::new("limit_req_zone", (name, size), &key.text, false);
        Ok(Zone { table: Rc::new(table), rate, key, template: OnceCell::new() })
    }

    /// Compiles the key, when all variables are known.
    pub fn compile(&self, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        let _ = self.template.set(declarations.template(&self.key)?);
        Ok(())
    }

    /// Asks for the memory.
    pub fn install(&self, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if self.table.install(hooks.setup())? {
            hooks.process(self.table.clone());
        }
        Ok(())
    }

    /// What a request's key is made of.
    pub fn key(&self) -> Option<&Template> {
        self.template.get()
    }
}

/// `10r/s`, `30r/m`; as in nginx a number alone is one a second, and of what is a minute's the rest is cut.
fn thousandths(text: &str) -> Option<u64> {
    let (number, seconds) = match (text.strip_suffix("r/s"), text.strip_suffix("r/m")) {
        (Some(number), _) => (number, 1),
        (_, Some(number)) => (number, 60),
        _ => (text, 1),
    };
    let number = value::number(number).filter(|&number| number > 0)?;
    Some(number.checked_mul(1000)? / seconds)
}

#[cfg(test)]
mod tests {
    use super::thousandths;

    #[test]
    fn rates() {
        let rates = ["10r/s", "1r/m", "30r/m", "5"].map(thousandths);
        assert_eq!(rates, [Some(10_000), Some(16), Some(500), Some(5000)]);
        for wrong in ["", "r/s", "0r/s", "-1r/s", "1r/h", "1.5r/s", "9223372036854775807r/s"] {
            assert_eq!(thousandths(wrong), None, "{wrong}");
        }
    }
}
