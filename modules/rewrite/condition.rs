//! Whether a condition holds.

use std::rc::Rc;

use conf::Error;
use http::{Hooks, LogLevel, Regex, Request, Template};

use crate::read::{Condition, PathTest};

/// A condition, compiled.
pub enum Test {
    True(Template),
    Equal(Template, Template, bool),
    Match(Template, Rc<Regex>, bool),
    Path(Template, PathTest, bool),
}

impl Test {
    /// Compiles it.
    pub fn compile(written: &Condition, hooks: &Hooks<'_, '_>) -> Result<Test, Error> {
        Ok(match written {
            Condition::True(variable) => Test::True(hooks.template(variable)?),
            Condition::Equal(variable, text, negative) => {
                Test::Equal(hooks.template(variable)?, hooks.template(text)?, *negative)
            }
            Condition::Match(variable, expression, negative) => {
                let regex = expression.regex().ok_or_else(|| {
                    hooks.error(&expression.word, "the expression was not declared")
                })?;
                Test::Match(hooks.template(variable)?, regex, *negative)
            }
            Condition::Path(path, test, negative) => {
                Test::Path(hooks.template(path)?, *test, *negative)
            }
        })
    }

    /// Whether it holds. The error is a status: it cannot be told.
    pub fn holds(&self, request: &mut Request, log: bool) -> Result<bool, u16> {
        match self {
            Test::True(variable) => {
                let value = variable.evaluate(request);
                Ok(!value.is_empty() && &value[..] != b"0")
            }
            Test::Equal(variable, text, negative) => {
                let (value, text) = (variable.evaluate(request), text.evaluate(request));
                Ok((value == text) != *negative)
            }
            Test::Match(variable, regex, negative) => {
                let value = variable.evaluate(request);
                Ok(matches(regex, &value, request, log)? != *negative)
            }
            Test::Path(path, test, negative) => {
                let path = path.evaluate(request);
                Ok(test.holds(&path, request) != *negative)
            }
        }
    }
}

/// Whether the expression matches. If PCRE gives up, nobody knows: then neither way may be taken.
pub fn matches(
    regex: &Regex,
    value: &mem::Str,
    request: &mut Request,
    log: bool,
) -> Result<bool, u16> {
    let matched = regex.matches(value, request.captures.get_mut()).map_err(|gave_up| {
        request.error(LogLevel::Alert, format_args!("{gave_up}"));
        500_u16
    })?;
    if log {
        let says = if matched { "matches" } else { "does not match" };
        let message = format_args!("\"{}\" {says} \"{value}\"", regex.source());
        request.error(LogLevel::Notice, message);
    }
    Ok(matched)
}

impl PathTest {
    fn holds(self, path: &[u8], request: &Request) -> bool {
        let stat = match sys::file::stat_path(path) {
            Ok(stat) => stat,
            Err(error) => {
                use std::io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
                if !matches!(error.kind(), NotFound | NotADirectory | InvalidFilename) {
                    let (path, errno) = (String::from_utf8_lossy(path), sys::log::errno(&error));
                    request.error(LogLevel::Crit, format_args!("stat() \"{path}\" failed {errno}"));
                }
                return false;
            }
        };
        match self {
            PathTest::File => stat.is_file(),
            PathTest::Directory => stat.is_dir(),
            PathTest::Exists => true,
            PathTest::Executable => stat.is_executable(),
        }
    }
}
