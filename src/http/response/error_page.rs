//! `error_page`: what stands in the place of an error.

use conf::{Env, Error, Setting, Word};

use crate::vars::names::Names;
use crate::vars::scope::Scope;
use crate::vars::template::Template;

/// One `error_page`: these statuses, that page.
#[derive(Clone)]
pub struct Written {
    statuses: Vec<u16>,
    overwrite: Overwrite,
    uri: Word,
}

/// The same, ready to serve.
pub struct ErrorPage<R: 'static> {
    /// The statuses.
    pub statuses: Vec<u16>,
    /// Which status the page gets.
    pub overwrite: Overwrite,
    /// Where it is.
    pub uri: Template<R>,
}

/// Which status the page gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// The error's.
    Keep,
    /// `=`: the page's own.
    Page,
    /// `=N`
    With(u16),
}

/// Reads `error_page CODE… [=[CODE]] URI`.
pub fn error_page(setting: &Setting<'_>) -> Result<Written, Error> {
    let args = setting.args();
    let last = args.len() - 1;
    let mut overwrite = Overwrite::Keep;
    let mut statuses = Vec::new();
    for (at, word) in args[..last].iter().enumerate() {
        let invalid = || setting.error_at(at, format!("invalid value \"{word}\""));
        match word.text.strip_prefix('=') {
            Some(_) if at == 0 || at + 1 != last => return Err(invalid()),
            Some("") => overwrite = Overwrite::Page,
            Some(code) => overwrite = Overwrite::With(code.parse().map_err(|_| invalid())?),
            None => {
                let code: u16 = word.text.parse().map_err(|_| invalid())?;
                if !(300..=599).contains(&code) || code == 499 {
                    let message = format!("value \"{code}\" must be between 300 and 599");
                    return Err(setting.error_at(at, message));
                }
                statuses.push(code);
            }
        }
    }
    Ok(Written { statuses, overwrite, uri: args[last].clone() })
}

impl Written {
    /// Compiles its URI.
    pub fn compile<R: Scope>(
        &self,
        names: &Names<R>,
        env: &Env<'_>,
    ) -> Result<ErrorPage<R>, Error> {
        let uri = Template::compile(&self.uri.text, names);
        let uri = uri.map_err(|e| Error::at(e, self.uri.span, env.files))?;
        Ok(ErrorPage { statuses: self.statuses.clone(), overwrite: self.overwrite, uri })
    }
}
