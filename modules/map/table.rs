//! The table of a map, and how a value is looked up in it.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use conf::{Error, Word};
use http::{Declarations, Regex, Request, Template, Value};
use mem::Str;

use crate::read::Written;

/// A map's variable.
pub struct Map {
    volatile: bool,
    /// The expressions of its lines, in their order, until the table has them: their groups are variables, too.
    expressions: RefCell<Vec<Regex>>,
    /// There when all variables are made, which its words may name.
    table: OnceCell<Table>,
}

struct Table {
    source: Template,
    default: Option<Template>,
    hostnames: bool,
    /// In small letters.
    words: HashMap<Box<[u8]>, Template>,
    /// Of `*.example.com` and `.example.com`: what stands before the star's dot, longest first.
    suffixes: Vec<(Box<[u8]>, Template)>,
    /// Of `www.example.*`.
    prefixes: Vec<(Box<[u8]>, Template)>,
    expressions: Vec<(Regex, Template)>,
}

impl Map {
    /// An empty one.
    pub fn new(written: &Written, declarations: &Declarations<'_, '_>) -> Result<Map, Error> {
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
        declarations: &Declarations<'_, '_>,
    ) -> Result<(), Error> {
        let default = written.default.as_ref();
        let mut table = Table {
            source: declarations.template(&written.source)?,
            default: default.map(|word| declarations.template(word)).transpose()?,
            hostnames: written.hostnames,
            words: HashMap::with_capacity(written.lines.len()),
            suffixes: Vec::new(),
            prefixes: Vec::new(),
            expressions: Vec::new(),
        };
        let mut expressions = self.expressions.take().into_iter();
        for (word, value) in &written.lines {
            let value = declarations.template(value)?;
            match word.text.starts_with('~') {
                true => table.expressions.extend(expressions.next().map(|regex| (regex, value))),
                false => table.add(word, value, declarations)?,
            }
        }
        let longest_first = |list: &mut Vec<(Box<[u8]>, Template)>| {
            list.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        };
        longest_first(&mut table.suffixes);
        longest_first(&mut table.prefixes);
        let _ = self.table.set(table);
        Ok(())
    }
}

impl Value for Map {
    fn value(&self, request: &Request, out: &mut Vec<u8>) -> bool {
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

impl Table {
    fn add(
        &mut self,
        word: &Word,
        value: Template,
        declarations: &Declarations<'_, '_>,
    ) -> Result<(), Error> {
        let text = &*word.text;
        // What would mean something else is written with a backslash.
        let text = text.strip_prefix('\\').unwrap_or(text);
        let lower = conf::text::bytes(text).to_ascii_lowercase();
        let conflict =
            || declarations.error(word, format!("conflicting parameter \"{}\"", word.text));
        let pattern = |list: &mut Vec<(Box<[u8]>, Template)>, text: &[u8]| match list
            .iter()
            .any(|(known, _)| **known == *text)
        {
            true => Err(conflict()),
            false => {
                list.push((text.into(), value.clone()));
                Ok(())
            }
        };
        if self.hostnames {
            if let Some(suffix) = lower.strip_prefix(b"*.") {
                return pattern(&mut self.suffixes, suffix);
            }
            if let Some(prefix) = lower.strip_suffix(b".*") {
                return pattern(&mut self.prefixes, prefix);
            }
            if let Some(domain) = lower.strip_prefix(b".") {
                pattern(&mut self.suffixes, domain)?;
                return match self.words.insert(domain.into(), value) {
                    Some(_) => Err(conflict()),
                    None => Ok(()),
                };
            }
        }
        match self.words.entry(lower.into()) {
            Entry::Occupied(_) => Err(conflict()),
            Entry::Vacant(place) => {
                place.insert(value);
                Ok(())
            }
        }
    }

    /// The value of a source.
    fn find(&self, request: &Request, source: Vec<u8>) -> Option<&Template> {
        let mut lower = source.to_ascii_lowercase();
        if self.hostnames && lower.last() == Some(&b'.') {
            lower.pop();
        }
        if let Some(template) = self.words.get(&*lower) {
            return Some(template);
        }
        let below = |(suffix, _): &&(Box<[u8]>, Template)| {
            let before = lower.strip_suffix(&**suffix);
            before.is_some_and(|before| before.ends_with(b"."))
        };
        let begins = |(prefix, _): &&(Box<[u8]>, Template)| {
            let behind = lower.strip_prefix(&**prefix);
            behind.is_some_and(|behind| behind.len() > 1 && behind.starts_with(b"."))
        };
        let pattern = self.suffixes.iter().find(below);
        if let Some((_, template)) = pattern.or_else(|| self.prefixes.iter().find(begins)) {
            return Some(template);
        }
        if !self.expressions.is_empty() {
            let source = Str::from(source);
            for (regex, template) in &self.expressions {
                let matched = regex.matches(&source, &mut request.captures.borrow_mut());
                match matched {
                    Ok(true) => return Some(template),
                    Ok(false) => {}
                    // Whether it matches is not known: as if nothing did.
                    Err(gave_up) => {
                        request.error(http::LogLevel::Alert, format_args!("{gave_up}"));
                        return self.default.as_ref();
                    }
                }
            }
        }
        self.default.as_ref()
    }
}
