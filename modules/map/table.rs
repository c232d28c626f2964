//! The table of a map, and how a value is looked up in it.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use conf::{Error, Word};
use http::vars::scope::Scope;
use http::vars::template::Template;
use http::{Conflict, Declarations, Patterns, Regex, Value};
use mem::Str;

use crate::read::Written;

/// A map's variable.
pub struct Map<R: 'static> {
    volatile: bool,
    /// The expressions of its lines, in their order, until the table has them: their groups are variables, too.
    expressions: RefCell<Vec<Regex>>,
    /// There when all variables are made, which its words may name.
    table: OnceCell<Table<R>>,
}

struct Table<R: 'static> {
    source: Template<R>,
    default: Option<Template<R>>,
    hostnames: bool,
    /// In small letters.
    patterns: Patterns<Rc<Template<R>>>,
    expressions: Vec<(Regex, Rc<Template<R>>)>,
}

impl<R: Scope> Map<R> {
    /// An empty one.
    pub fn new(written: &Written, declarations: &Declarations<'_, '_, R>) -> Result<Map<R>, Error> {
        let mut expressions = Vec::new();
        for (word, _) in &written.lines {
            let Some(pattern) = word.text.strip_prefix('~') else { continue };
            let (pattern, caseless) = match pattern.strip_prefix('*') {
                Some(pattern) => (pattern, true),
                None => (pattern, false),
            };
            let regex = declarations.regex(word, pattern, caseless)?;
            declarations.capture(word, &regex)?;
            expressions.push(regex);
        }
        let expressions = RefCell::new(expressions);
        Ok(Map { volatile: written.volatile, expressions, table: OnceCell::new() })
    }

    /// Fills it.
    pub fn fill(
        &self,
        written: &Written,
        declarations: &Declarations<'_, '_, R>,
    ) -> Result<(), Error> {
        let default = written.default.as_ref();
        let mut table = Table {
            source: declarations.template(&written.source)?,
            default: default.map(|word| declarations.template(word)).transpose()?,
            hostnames: written.hostnames,
            patterns: Patterns::default(),
            expressions: Vec::new(),
        };
        let mut expressions = self.expressions.take().into_iter();
        // A large map has few values.
        let mut values: HashMap<&str, Rc<Template<R>>> = HashMap::new();
        for (word, value) in &written.lines {
            let value = match values.get(&*value.text) {
                Some(known) => known.clone(),
                None => {
                    let made = Rc::new(declarations.template(value)?);
                    values.insert(&value.text, made.clone());
                    made
                }
            };
            match word.text.starts_with('~') {
                true => table.expressions.extend(expressions.next().map(|regex| (regex, value))),
                false => table.add(word, value, declarations)?,
            }
        }
        let _ = self.table.set(table);
        Ok(())
    }
}

impl<R: Scope> Value<R> for Map<R> {
    fn value(&self, request: &R, out: &mut Vec<u8>) -> bool {
        let Some(table) = self.table.get() else { return false };
        let mut source = Vec::new();
        table.source.write(request, &mut source, |_, _, _| {});
        if let Some(template) = table.find(request, source) {
            template.write(request, out, |_, _, _| {});
        }
        // As nginx: no line at all is an empty value, not none.
        true
    }

    fn is_volatile(&self) -> bool {
        self.volatile
    }
}

impl<R: Scope> Table<R> {
    fn add(
        &mut self,
        word: &Word,
        value: Rc<Template<R>>,
        declarations: &Declarations<'_, '_, R>,
    ) -> Result<(), Error> {
        let text = &*word.text;
        // What would mean something else is written with a backslash.
        let text = text.strip_prefix('\\').unwrap_or(text);
        let lower = conf::text::bytes(text).to_ascii_lowercase();
        let patterns = &mut self.patterns;
        let added = if !self.hostnames {
            patterns.add_word(&lower, value)
        } else if let Some(suffix) = lower.strip_prefix(b"*.") {
            patterns.add_suffix(suffix, value)
        } else if let Some(prefix) = lower.strip_suffix(b".*") {
            patterns.add_prefix(prefix, value)
        } else if let Some(domain) = lower.strip_prefix(b".") {
            let below = patterns.add_suffix(domain, value.clone());
            below.and_then(|()| patterns.add_word(domain, value))
        } else {
            patterns.add_word(&lower, value)
        };
        added.map_err(|Conflict| {
            declarations.error(word, format!("conflicting parameter \"{}\"", word.text))
        })
    }

    /// The value of a source.
    fn find(&self, request: &R, source: Vec<u8>) -> Option<&Template<R>> {
        let mut lower = source.to_ascii_lowercase();
        if self.hostnames && lower.last() == Some(&b'.') {
            lower.pop();
        }
        if let Some(template) = self.patterns.find(&lower) {
            return Some(template);
        }
        if !self.expressions.is_empty() {
            let source = Str::from(source);
            for (regex, template) in &self.expressions {
                let matched = regex.matches(&source, &mut request.captures().borrow_mut());
                match matched {
                    Ok(true) => return Some(template),
                    Ok(false) => {}
                    // Whether it matches is not known: as if nothing did.
                    Err(gave_up) => {
                        request.log(http::LogLevel::Alert, format_args!("{gave_up}"));
                        return self.default.as_ref();
                    }
                }
            }
        }
        self.default.as_ref()
    }
}
