//! Words with variables: `$scheme://$host$request_uri`, compiled when the configuration is loaded.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use mem::Str;

use crate::regex::Regex;
use crate::request::Request;
use crate::settable::{Kind, Own, Settable};
use crate::variables::{CHANGEABLE, Get, RESERVED, Variable};

/// The variables that a configuration knows.
#[derive(Default)]
pub struct Names {
    variables: BTreeMap<&'static str, &'static Variable>,
    prefixes: Vec<&'static Variable>,
    captured: RefCell<Vec<Rc<str>>>,
    /// Those that directives have made.
    made: RefCell<BTreeMap<String, Rc<dyn Value>>>,
    settable: RefCell<BTreeMap<String, Rc<Own>>>,
}

/// A variable that a directive makes (`map`).
pub trait Value: 'static {
    /// Appends its value for this request, and says whether it has one.
    fn value(&self, request: &Request, out: &mut Vec<u8>) -> bool;

    /// Whether it is found out each time that it is asked for; else once for each request.
    fn is_volatile(&self) -> bool {
        false
    }
}

impl Names {
    /// Adds a module's variables.
    pub fn add(&mut self, variables: &'static [Variable]) {
        for variable in variables {
            match variable.name.ends_with('_') {
                true => self.prefixes.push(variable),
                false => drop(self.variables.insert(variable.name, variable)),
            }
        }
    }

    /// Adds the named groups of an expression. As in nginx none may have the name of a variable, unless
    /// it is one that can be set: that one is the group's from then on, in every location.
    pub fn capture(&self, regex: &Regex) -> Result<(), String> {
        for name in regex.names() {
            let known = self.variables.contains_key(name) || RESERVED.contains(&name);
            if known && !CHANGEABLE.contains(&name) {
                return Err(format!("the duplicate \"{name}\" variable"));
            }
            self.captured.borrow_mut().push(name.into());
        }
        Ok(())
    }

    /// Makes a variable; one of that name that a directive has made before is replaced. The error is nginx's.
    pub fn make(&self, name: &str, value: Rc<dyn Value>) -> Result<(), String> {
        let name = name.to_ascii_lowercase();
        let known = self.variables.contains_key(&*name) || RESERVED.contains(&&*name);
        if known && !CHANGEABLE.contains(&&*name) {
            return Err(format!("the duplicate \"{name}\" variable"));
        }
        self.made.borrow_mut().insert(name, value);
        Ok(())
    }

    /// A variable that requests set, which is made if there is none.
    pub fn settable(&self, name: &str) -> Result<Settable, String> {
        let name = name.to_ascii_lowercase();
        match &*name {
            "args" => return Ok(Settable(Kind::Args)),
            "limit_rate" => return Ok(Settable(Kind::LimitRate)),
            _ => {}
        }
        if let Some(known) = self.settable.borrow().get(&name) {
            return Ok(Settable(Kind::Own(known.clone())));
        }
        let captured = self.captured.borrow().iter().find(|known| ***known == *name).cloned();
        let made = self.made.borrow().get(&name).cloned();
        let before =
            made.or_else(|| captured.map(|group| Rc::new(Captured(group)) as Rc<dyn Value>));
        let own = Rc::new(Own { name: name.as_str().into(), before });
        self.make(&name, own.clone())?;
        self.settable.borrow_mut().insert(name, own.clone());
        Ok(Settable(Kind::Own(own)))
    }

    /// A variable that something else comes to (`auth_request_set`): it has no value until then.
    pub fn result(&self, name: &str) -> Result<Settable, String> {
        let known = name.to_ascii_lowercase();
        if !self.made.borrow().contains_key(&known) {
            self.make(name, Rc::new(NotFound))?;
        }
        self.settable(name)
    }

    fn find(&self, name: &str) -> Option<Part> {
        let name = &*name.to_ascii_lowercase();
        if let Some(value) = self.made.borrow().get(name) {
            return Some(Part::Made(value.clone()));
        }
        if let Some(captured) = self.captured.borrow().iter().find(|known| &***known == name) {
            return Some(Part::Named(captured.clone()));
        }
        if let Some(variable) = self.variables.get(name) {
            return Some(Part::Variable(variable.get, "".into()));
        }
        let prefix = self.prefixes.iter().find(|variable| name.starts_with(variable.name))?;
        Some(Part::Variable(prefix.get, name[prefix.name.len()..].into()))
    }
}

/// No value.
struct NotFound;

impl Value for NotFound {
    fn value(&self, _: &Request, _: &mut Vec<u8>) -> bool {
        false
    }

    fn is_volatile(&self) -> bool {
        true
    }
}

/// The group of an expression, under the name of a variable that is also set.
struct Captured(Rc<str>);

impl Value for Captured {
    fn value(&self, request: &Request, out: &mut Vec<u8>) -> bool {
        let captured = request.captures.borrow().named(&self.0);
        out.extend_from_slice(captured.as_deref().unwrap_or_default());
        captured.is_some()
    }

    fn is_volatile(&self) -> bool {
        true
    }
}

/// A word with variables.
#[derive(Clone)]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a word's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// It stands in the configuration.
    Written(&'t [u8]),
    /// A variable has brought it.
    Value(&'t [u8]),
}

#[derive(Clone)]
enum Part {
    Literal(Str),
    Variable(Get, Box<str>),
    Group(usize),
    Named(Rc<str>),
    Made(Rc<dyn Value>),
}

impl Template {
    /// A word without variables.
    pub fn literal(text: &str) -> Template {
        Template { parts: vec![Part::Literal(Str::copy(&conf::text::bytes(text)))] }
    }

    /// Compiles `text`; the error is in nginx's words.
    pub fn compile(text: &str, names: &Names) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            literal(&mut parts, &rest[..at]);
            let (part, after) = variable(&rest[at + 1..], names)?;
            parts.push(part);
            rest = after;
        }
        literal(&mut parts, rest);
        Ok(Template { parts })
    }

    /// The text, if there is no variable in it.
    pub fn as_literal(&self) -> Option<&Str> {
        match &self.parts[..] {
            [] => Some(const { &Str::EMPTY }),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text for this request.
    pub fn evaluate(&self, request: &mut Request) -> Str {
        if let Some(text) = self.as_literal() {
            return text.clone();
        }
        let mut scratch = std::mem::take(&mut request.scratch);
        scratch.clear();
        self.write(request, &mut scratch, |_, _, _| {});
        let text = request.pool.copy(&scratch);
        request.scratch = scratch;
        text
    }

    /// Appends the text for this request to `out`. Each variable's value is appended first and then
    /// given to `finish`, with whether there is one and where it begins: a log has its own escaping,
    /// and its own word for none.
    pub fn write(
        &self,
        request: &Request,
        out: &mut Vec<u8>,
        finish: impl Fn(bool, usize, &mut Vec<u8>),
    ) {
        for part in &self.parts {
            let start = out.len();
            match part {
                Part::Literal(text) => out.extend_from_slice(text),
                part => {
                    let exists = part.value(request, out);
                    finish(exists, start, out);
                }
            }
        }
    }

    /// Whether a path that this word gave goes up (`..`) where the word itself does not say so: a value would
    /// lead out of the directory that is written.
    pub fn climbs(&self, path: &[u8]) -> bool {
        if self.as_literal().is_some() || !path.windows(2).any(|two| two == b"..") {
            return false;
        }
        let written: Vec<&[u8]> = self.written().map(|text| text.unwrap_or(b"value")).collect();
        ups(path) > ups(&written.concat())
    }

    /// The text for this request, in its pieces. For whoever reads the text as more than one thing (a
    /// list, a pattern): what is written may be syntax, what a variable brings is not.
    pub fn pieces(&self, request: &Request, mut each: impl FnMut(Piece<'_>)) {
        let mut value = Vec::new();
        for part in &self.parts {
            value.clear();
            match part {
                Part::Literal(text) => each(Piece::Written(text)),
                part => {
                    part.value(request, &mut value);
                    each(Piece::Value(&value));
                }
            }
        }
    }

    /// The pieces that are written, in order; `None` stands for a variable.
    pub fn written(&self) -> impl DoubleEndedIterator<Item = Option<&[u8]>> {
        self.parts.iter().map(|part| match part {
            Part::Literal(text) => Some(&text[..]),
            _ => None,
        })
    }
}

fn ups(path: &[u8]) -> usize {
    path.split(|&byte| byte == b'/').filter(|segment| *segment == b"..").count()
}

impl Part {
    /// Appends a variable's value, and says whether it has one.
    fn value(&self, request: &Request, out: &mut Vec<u8>) -> bool {
        let captured = match self {
            Part::Literal(text) => Some(text.clone()),
            Part::Variable(get, name) => return get(request, name, out),
            Part::Made(value) => return made(&**value, request, out),
            Part::Group(group) => request.captures.borrow().get(*group),
            Part::Named(name) => request.captures.borrow().named(name),
        };
        out.extend_from_slice(captured.as_deref().unwrap_or_default());
        captured.is_some()
    }
}

/// The value of a variable that a directive has made: found out once for a request, as by nginx.
pub(crate) fn made(value: &dyn Value, request: &Request, out: &mut Vec<u8>) -> bool {
    if value.is_volatile() {
        return deeper(value, request, out);
    }
    let key = std::ptr::from_ref(value).cast::<()>().addr();
    let known = request.values.borrow().iter().find(|(known, _)| *known == key).cloned();
    if let Some((_, known)) = known {
        out.extend_from_slice(known.as_deref().unwrap_or_default());
        return known.is_some();
    }
    let start = out.len();
    let exists = deeper(value, request, out);
    let text = exists.then(|| Str::copy(&out[start..]));
    request.values.borrow_mut().push((key, text));
    exists
}

/// Variables that are made of others may be made of themselves: nginx's bound, and its words.
fn deeper(value: &dyn Value, request: &Request, out: &mut Vec<u8>) -> bool {
    const DEEPEST: u8 = 100;
    let depth = request.depth.get();
    if depth >= DEEPEST {
        request.error(sys::log::Level::Error, format_args!("cycle while evaluating variable"));
        request.cycle.set(true);
    }
    // Of all that was on the way there nothing more is found out: it would be as often as there are ways.
    if request.cycle.get() {
        return false;
    }
    request.depth.set(depth + 1);
    let exists = value.value(request, out);
    request.depth.set(depth);
    if depth == 0 {
        request.cycle.set(false);
    }
    exists
}

fn literal(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Literal(Str::copy(&conf::text::bytes(text))));
    }
}

/// The variable at the start of `text` (the `$` is gone) and what follows it.
fn variable<'t>(text: &'t str, names: &Names) -> Result<(Part, &'t str), String> {
    if let Some(digit @ '0'..='9') = text.chars().next() {
        return Ok((Part::Group(digit as usize - '0' as usize), &text[1..]));
    }
    let (name, rest) = match text.strip_prefix('{') {
        Some(inner) => match inner.split_once('}') {
            Some((name, rest)) => (name, rest),
            None => return Err(format!("the closing bracket in \"{inner}\" variable is missing")),
        },
        None => {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
            text.split_at(end)
        }
    };
    if name.is_empty() {
        return Err("invalid variable name".to_owned());
    }
    if let Ok(group) = name.parse() {
        return Ok((Part::Group(group), rest));
    }
    let part = names.find(name).ok_or_else(|| format!("unknown \"{name}\" variable"))?;
    Ok((part, rest))
}
