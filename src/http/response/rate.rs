//! `limit_rate`, as it is written.

use conf::{Env, Error, Setting, Word};

use crate::vars::names::Names;
use crate::vars::scope::Scope;
use crate::vars::template::Template;

/// A number of bytes as it is written, which variables may decide for each request.
pub enum Rate<R: 'static> {
    /// It is written.
    Written(u64),
    /// Variables say it.
    Variable(Template<R>),
}

/// Whether the word of a directive is a size, or may become one.
pub fn check(setting: &Setting<'_>) -> Result<(), Error> {
    match setting.arg(0).contains('$') {
        true => Ok(()),
        false => setting.size(0).map(drop),
    }
}

impl<R: Scope> Rate<R> {
    /// Compiles a word that was checked.
    pub fn compile(word: Option<&Word>, names: &Names<R>, env: &Env<'_>) -> Result<Rate<R>, Error> {
        let Some(word) = word else { return Ok(Rate::Written(0)) };
        if let Some(size) = conf::value::size(&word.text) {
            return Ok(Rate::Written(size));
        }
        let compiled = Template::compile(&word.text, names);
        let template = compiled.map_err(|why| Error::at(why, word.span, env.files))?;
        Ok(Rate::Variable(template))
    }

    /// As nginx: a value that is no size, or empty, is none.
    pub fn of(&self, request: &mut R) -> u64 {
        match self {
            Rate::Written(size) => *size,
            Rate::Variable(template) => {
                let value = template.evaluate(request);
                value.as_str().and_then(conf::value::size).unwrap_or(0)
            }
        }
    }
}
