//! The variables that blocks make, before any word is compiled.

use std::cell::RefCell;
use std::rc::Rc;

use conf::{Error, Word};

use crate::request::Request;
use crate::route::regex::Regex;
use crate::vars::assigned::Sets;
use crate::vars::names::{Names, Own};
use crate::vars::scope::{Scope, Value};
use crate::vars::settable::Settable;
use crate::vars::template::Template;

/// What blocks declare.
pub struct Declarations<'a, 's, R: 'static = Request> {
    pub(crate) names: &'a Names<R>,
    pub(crate) env: &'a conf::Env<'s>,
    /// What can be done when everything is declared.
    pub(crate) later: RefCell<Vec<Later<R>>>,
}

type Later<R> = Box<dyn FnOnce(&Declarations<'_, '_, R>) -> Result<(), Error>>;

impl<'a, 's, R: Scope> Declarations<'a, 's, R> {
    /// Nothing is declared yet.
    pub fn new(names: &'a Names<R>, env: &'a conf::Env<'s>) -> Declarations<'a, 's, R> {
        Declarations { names, env, later: RefCell::default() }
    }

    /// Everything is declared: what waits for that is done.
    pub fn finish(&self) -> Result<(), Error> {
        self.later.take().into_iter().try_for_each(|later| later(self))
    }

    /// Makes the variable that a word names, with its `$`.
    pub fn make(&self, word: &Word, value: Rc<dyn Value<R>>) -> Result<(), Error> {
        let name = self.name(word)?;
        self.names.make(name, value).map_err(|why| self.error(word, why))
    }

    fn name<'w>(&self, word: &'w Word) -> Result<&'w str, Error> {
        let name = word.text.strip_prefix('$').filter(|name| !name.is_empty());
        name.ok_or_else(|| self.error(word, format!("invalid variable name \"{}\"", word.text)))
    }

    /// Makes variables of an expression's named groups.
    pub fn capture(&self, word: &Word, regex: &Regex) -> Result<(), Error> {
        self.names.capture(regex).map_err(|why| self.error(word, why))
    }

    /// Calls `later` when all variables are made: then words with variables can be compiled.
    pub fn later(
        &self,
        later: impl FnOnce(&Declarations<'_, '_, R>) -> Result<(), Error> + 'static,
    ) {
        self.later.borrow_mut().push(Box::new(later));
    }

    /// Compiles a word with variables.
    pub fn template(&self, word: &Word) -> Result<Template<R>, Error> {
        Template::compile(&word.text, self.names).map_err(|why| self.error(word, why))
    }

    /// Compiles an expression.
    pub fn regex(&self, word: &Word, pattern: &str, caseless: bool) -> Result<Regex, Error> {
        let place = self.env.files.place(word.span);
        Regex::new(pattern, caseless, &place).map_err(|why| self.error(word, why))
    }

    /// An error at a word of the configuration.
    pub fn error(&self, word: &Word, message: impl Into<String>) -> Error {
        Error::at(message, word.span, self.env.files)
    }
}

impl<R: Sets> Declarations<'_, '_, R> {
    /// The variable that a word names, with its `$`, as one of the configuration's own that is set.
    pub fn own(&self, word: &Word) -> Result<Rc<Own<R>>, Error> {
        let name = self.name(word)?;
        self.names.own(name).map_err(|why| self.error(word, why))
    }
}

impl Declarations<'_, '_, Request> {
    /// The variable that a word names, with its `$`, as one that requests set.
    pub fn settable(&self, word: &Word) -> Result<Settable, Error> {
        let name = self.name(word)?;
        self.names.settable(name).map_err(|why| self.error(word, why))
    }

    /// The variable that a word names, with its `$`, as one that has no value until a request gives it one.
    pub fn result(&self, word: &Word) -> Result<Settable, Error> {
        let name = self.name(word)?;
        self.names.result(name).map_err(|why| self.error(word, why))
    }
}
