//! Words with variables: `$scheme://$host$request_uri`, compiled when the configuration is loaded.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use mem::{Pool, Str};

use crate::route::regex::{Captures, Regex};

/// What words with variables are evaluated for: a request.
pub trait Scope: 'static {
    /// What expressions have captured for it.
    fn captures(&self) -> &RefCell<Captures>;

    /// What variables have come to for it.
    fn memo(&self) -> &Memo;

    /// Room for making a text, and memory that keeps it as long as this is there.
    fn memory(&mut self) -> (&mut Vec<u8>, &mut Pool);

    /// Writes to its error log.
    fn error(&self, message: std::fmt::Arguments<'_>);
}

/// What variables that directives have made have come to.
#[derive(Default)]
pub struct Memo {
    /// How deep in variables that are made of others.
    depth: Cell<u8>,
    /// It has been found that they are made of themselves.
    cycle: Cell<bool>,
    /// Values that are found out once.
    values: RefCell<Vec<(usize, Option<Str>)>>,
}

impl Memo {
    /// Forgets the values; keeps its memory.
    pub fn clear(&mut self) {
        self.values.get_mut().clear();
    }
}

/// Appends a variable's value and says whether it has one. The text is what follows the name, for
/// names that end with `_` (`http_`, `arg_`).
pub type Get<R> = fn(&R, &str, &mut Vec<u8>) -> bool;

/// A variable that a module provides.
pub struct Variable<R: 'static> {
    /// The name; one that ends with `_` stands for all names that begin so.
    pub name: &'static str,
    /// Its value.
    pub get: Get<R>,
    /// What it is, in one line.
    pub help: &'static str,
}

/// Those that can be set: a group of an expression may have their name.
pub const CHANGEABLE: [&str; 2] = ["args", "limit_rate"];

/// Variables of nginx's core that are not here, or only as one of many (`http_`): no group has their name.
pub const RESERVED: [&str; 24] = [
    "connection_time",
    "http_cookie",
    "http_host",
    "http_referer",
    "http_user_agent",
    "http_via",
    "http_x_forwarded_for",
    "pipe",
    "request_body",
    "request_body_file",
    "request_id",
    "sent_http_cache_control",
    "sent_http_connection",
    "sent_http_content_length",
    "sent_http_content_type",
    "sent_http_keep_alive",
    "sent_http_last_modified",
    "sent_http_link",
    "sent_http_location",
    "sent_http_transfer_encoding",
    "tcpinfo_rcv_space",
    "tcpinfo_rtt",
    "tcpinfo_rttvar",
    "tcpinfo_snd_cwnd",
];

/// The variables that a configuration knows.
pub struct Names<R: 'static> {
    variables: BTreeMap<&'static str, &'static Variable<R>>,
    prefixes: Vec<&'static Variable<R>>,
    captured: RefCell<Vec<Rc<str>>>,
    /// Those that directives have made.
    made: RefCell<BTreeMap<String, Rc<dyn Value<R>>>>,
    pub(crate) settable: RefCell<BTreeMap<String, Rc<Own<R>>>>,
}

/// A variable that a directive makes (`map`).
pub trait Value<R>: 'static {
    /// Appends its value for this request, and says whether it has one.
    fn value(&self, request: &R, out: &mut Vec<u8>) -> bool;

    /// Whether it is found out each time that it is asked for; else once for each request.
    fn is_volatile(&self) -> bool {
        false
    }
}

/// A variable that requests set.
pub struct Own<R> {
    /// Its name.
    pub name: Box<str>,
    /// What it is until it is set, if another directive has made it.
    pub before: Option<Rc<dyn Value<R>>>,
}

impl<R: Scope> Default for Names<R> {
    fn default() -> Names<R> {
        Names {
            variables: BTreeMap::new(),
            prefixes: Vec::new(),
            captured: RefCell::default(),
            made: RefCell::default(),
            settable: RefCell::default(),
        }
    }
}

impl<R: Scope> Names<R> {
    /// Adds a module's variables.
    pub fn add(&mut self, variables: &'static [Variable<R>]) {
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
    pub fn make(&self, name: &str, value: Rc<dyn Value<R>>) -> Result<(), String> {
        let name = name.to_ascii_lowercase();
        let known = self.variables.contains_key(&*name) || RESERVED.contains(&&*name);
        if known && !CHANGEABLE.contains(&&*name) {
            return Err(format!("the duplicate \"{name}\" variable"));
        }
        self.made.borrow_mut().insert(name, value);
        Ok(())
    }

    /// What a name stands for until something sets it: what a directive has made, or the group of an expression.
    pub(crate) fn before(&self, name: &str) -> Option<Rc<dyn Value<R>>> {
        let made = self.made.borrow().get(name).cloned();
        let captured = self.captured.borrow().iter().find(|known| ***known == *name).cloned();
        made.or_else(|| captured.map(|group| Rc::new(Captured(group)) as Rc<dyn Value<R>>))
    }

    fn find(&self, name: &str) -> Option<Part<R>> {
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

/// The group of an expression, under the name of a variable that is also set.
struct Captured(Rc<str>);

impl<R: Scope> Value<R> for Captured {
    fn value(&self, request: &R, out: &mut Vec<u8>) -> bool {
        let captured = request.captures().borrow().named(&self.0);
        out.extend_from_slice(captured.as_deref().unwrap_or_default());
        captured.is_some()
    }

    fn is_volatile(&self) -> bool {
        true
    }
}

/// A word with variables.
pub struct Template<R: 'static> {
    parts: Vec<Part<R>>,
}

/// A piece of a word's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// It stands in the configuration.
    Written(&'t [u8]),
    /// A variable has brought it.
    Value(&'t [u8]),
}

enum Part<R: 'static> {
    Literal(Str),
    Variable(Get<R>, Box<str>),
    Group(usize),
    Named(Rc<str>),
    Made(Rc<dyn Value<R>>),
}

// Derived, they would ask for an `R` that can be cloned.
impl<R> Clone for Template<R> {
    fn clone(&self) -> Template<R> {
        Template { parts: self.parts.clone() }
    }
}

impl<R> Clone for Part<R> {
    fn clone(&self) -> Part<R> {
        match self {
            Part::Literal(text) => Part::Literal(text.clone()),
            Part::Variable(get, rest) => Part::Variable(*get, rest.clone()),
            Part::Group(group) => Part::Group(*group),
            Part::Named(name) => Part::Named(name.clone()),
            Part::Made(value) => Part::Made(value.clone()),
        }
    }
}

impl<R: Scope> Template<R> {
    /// A word without variables.
    pub fn literal(text: &str) -> Template<R> {
        Template { parts: vec![Part::Literal(Str::copy(&conf::text::bytes(text)))] }
    }

    /// Compiles `text`; the error is in nginx's words.
    pub fn compile(text: &str, names: &Names<R>) -> Result<Template<R>, String> {
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
    pub fn evaluate(&self, request: &mut R) -> Str {
        if let Some(text) = self.as_literal() {
            return text.clone();
        }
        let mut scratch = std::mem::take(request.memory().0);
        scratch.clear();
        self.write(request, &mut scratch, |_, _, _| {});
        let (scratch_back, pool) = request.memory();
        let text = pool.copy(&scratch);
        *scratch_back = scratch;
        text
    }

    /// Appends the text for this request to `out`. Each variable's value is appended first and then
    /// given to `finish`, with whether there is one and where it begins: a log has its own escaping,
    /// and its own word for none.
    pub fn write(
        &self,
        request: &R,
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
    pub fn pieces(&self, request: &R, mut each: impl FnMut(Piece<'_>)) {
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

impl<R: Scope> Part<R> {
    /// Appends a variable's value, and says whether it has one.
    fn value(&self, request: &R, out: &mut Vec<u8>) -> bool {
        let captured = match self {
            Part::Literal(text) => Some(text.clone()),
            Part::Variable(get, name) => return get(request, name, out),
            Part::Made(value) => return made(&**value, request, out),
            Part::Group(group) => request.captures().borrow().get(*group),
            Part::Named(name) => request.captures().borrow().named(name),
        };
        out.extend_from_slice(captured.as_deref().unwrap_or_default());
        captured.is_some()
    }
}

/// The value of a variable that a directive has made: found out once for a request, as by nginx.
pub(crate) fn made<R: Scope>(value: &dyn Value<R>, request: &R, out: &mut Vec<u8>) -> bool {
    if value.is_volatile() {
        return deeper(value, request, out);
    }
    let key = std::ptr::from_ref(value).cast::<()>().addr();
    let known = request.memo().values.borrow().iter().find(|(known, _)| *known == key).cloned();
    if let Some((_, known)) = known {
        out.extend_from_slice(known.as_deref().unwrap_or_default());
        return known.is_some();
    }
    let start = out.len();
    let exists = deeper(value, request, out);
    let text = exists.then(|| Str::copy(&out[start..]));
    request.memo().values.borrow_mut().push((key, text));
    exists
}

/// Variables that are made of others may be made of themselves: nginx's bound, and its words.
fn deeper<R: Scope>(value: &dyn Value<R>, request: &R, out: &mut Vec<u8>) -> bool {
    const DEEPEST: u8 = 100;
    let depth = request.memo().depth.get();
    if depth >= DEEPEST {
        request.error(format_args!("cycle while evaluating variable"));
        request.memo().cycle.set(true);
    }
    // Of all that was on the way there nothing more is found out: it would be as often as there are ways.
    if request.memo().cycle.get() {
        return false;
    }
    request.memo().depth.set(depth + 1);
    let exists = value.value(request, out);
    request.memo().depth.set(depth);
    if depth == 0 {
        request.memo().cycle.set(false);
    }
    exists
}

fn literal<R>(parts: &mut Vec<Part<R>>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Literal(Str::copy(&conf::text::bytes(text))));
    }
}

/// The variable at the start of `text` (the `$` is gone) and what follows it.
fn variable<'t, R: Scope>(text: &'t str, names: &Names<R>) -> Result<(Part<R>, &'t str), String> {
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
