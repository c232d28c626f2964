//! What is written, as it is read, and made ready when variables are declared.

use std::cell::OnceCell;
use std::rc::Rc;

use conf::{Error, Setting, Word};
use http::{Declarations, Regex, Settable};

/// One directive.
pub enum Written {
    /// `set`
    Set { variable: Word, value: Word, settable: OnceCell<Settable> },
    /// `return`
    Return { status: u16, text: Option<Word> },
    /// `rewrite`
    Rewrite { expression: Expression, replacement: Word, end: End },
    /// `break`
    Break,
    /// `if`: the condition, the number of its branch, and what stands in it.
    If(Condition, usize, Vec<Written>),
}

/// An expression, compiled when it is declared.
pub struct Expression {
    /// Where it stands.
    pub word: Word,
    caseless: bool,
    compiled: OnceCell<Rc<Regex>>,
}

/// What follows a rewrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The next directive.
    Next,
    /// The location of the new URI.
    Last,
    /// The rest of this location.
    Break,
    /// A redirect with this status.
    Redirect(u16),
}

/// The condition of an `if`.
pub enum Condition {
    /// It is neither empty nor `0`.
    True(Word),
    /// Both are the same, or not.
    Equal(Word, Word, bool),
    /// The expression matches, or not.
    Match(Word, Expression, bool),
    /// It is a path of something, or not.
    Path(Word, PathTest, bool),
}

/// What a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathTest {
    /// `-f`
    File,
    /// `-d`
    Directory,
    /// `-e`
    Exists,
    /// `-x`
    Executable,
}

impl Expression {
    fn new(word: &Word, caseless: bool) -> Expression {
        Expression { word: word.clone(), caseless, compiled: OnceCell::new() }
    }

    fn declare(&self, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        let regex = declarations.regex(&self.word, &self.word.text, self.caseless)?;
        declarations.capture(&self.word, &regex)?;
        let _ = self.compiled.set(Rc::new(regex));
        Ok(())
    }

    /// The compiled expression, once it is declared.
    pub fn regex(&self) -> Option<Rc<Regex>> {
        self.compiled.get().cloned()
    }
}

impl Written {
    /// Makes its variables, before any word is compiled.
    pub fn declare(&self, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        match self {
            Written::Set { variable, settable, .. } => {
                let _ = settable.set(declarations.settable(variable)?);
            }
            Written::Rewrite { expression, .. } => expression.declare(declarations)?,
            Written::If(condition, _, inner) => {
                if let Condition::Match(_, expression, _) = condition {
                    expression.declare(declarations)?;
                }
                inner.iter().try_for_each(|written| written.declare(declarations))?;
            }
            Written::Return { .. } | Written::Break => {}
        }
        Ok(())
    }
}

/// Reads `set $variable value`.
pub fn set(setting: &Setting<'_>) -> Result<Written, Error> {
    let [variable, value] = setting.args() else {
        return Err(setting.error("set takes a variable and a value"));
    };
    let (variable, value) = (variable.clone(), value.clone());
    Ok(Written::Set { variable, value, settable: OnceCell::new() })
}

/// Reads `return CODE [text]` or `return URL`.
pub fn returns(setting: &Setting<'_>) -> Result<Written, Error> {
    let first = setting.arg(0);
    let (status, text) = match (first.parse::<u16>(), setting.args()) {
        (Ok(status), _) if status > 999 => return Err(setting.invalid(0, "return code")),
        (Ok(status), [_]) => (status, None),
        // As nginx: an error without a text has its page, and 444 none at all.
        (Ok(status @ 400..), [_, text]) if text.text.is_empty() => (status, None),
        (Ok(status), [_, text]) => (status, Some(text.clone())),
        (Err(_), [url]) if is_url(first) => (302, Some(url.clone())),
        _ => return Err(setting.error_at(0, format!("invalid return code \"{first}\""))),
    };
    Ok(Written::Return { status, text })
}

fn is_url(text: &str) -> bool {
    ["http://", "https://", "$scheme"].iter().any(|scheme| text.starts_with(scheme))
}

/// Reads `rewrite expression replacement [flag]`.
pub fn rewrite(setting: &Setting<'_>) -> Result<Written, Error> {
    let [expression, replacement, flag @ ..] = setting.args() else {
        return Err(setting.error("rewrite takes an expression and a replacement"));
    };
    if replacement.text.is_empty() {
        return Err(setting.error_at(1, "empty replacement"));
    }
    let end = match flag.first().map(|word| word.text.as_str()) {
        Some("last") => End::Last,
        Some("break") => End::Break,
        Some("redirect") => End::Redirect(302),
        Some("permanent") => End::Redirect(301),
        Some(other) => {
            return Err(setting.error_at(2, format!("invalid parameter \"{other}\"")));
        }
        None => End::Next,
    };
    // As nginx: a URL is a redirect whatever follows it.
    let end = match end {
        End::Redirect(_) => end,
        _ if is_url(&replacement.text) => End::Redirect(302),
        end => end,
    };
    let (expression, replacement) = (Expression::new(expression, false), replacement.clone());
    Ok(Written::Rewrite { expression, replacement, end })
}

/// Reads the words between the parentheses of an `if`, which may stand by themselves.
pub fn condition(setting: &Setting<'_>) -> Result<Condition, Error> {
    let mut words = setting.args().to_vec();
    let invalid = |at: usize, word: &Word| {
        Err(setting.error_at(at, format!("invalid condition \"{}\"", word.text)))
    };
    let opened = words.first_mut().is_some_and(|first| trim(first, |t| t.strip_prefix('(')));
    if !opened {
        return invalid(0, &setting.args()[0]);
    }
    let closed = words.last_mut().is_some_and(|last| trim(last, |t| t.strip_suffix(')')));
    if !closed {
        return invalid(words.len() - 1, &words[words.len() - 1]);
    }
    let is_parenthesis = |word: &Word| word.text.is_empty() && !word.quoted;
    if words.first().is_some_and(is_parenthesis) {
        words.remove(0);
    }
    if words.last().is_some_and(is_parenthesis) {
        words.pop();
    }
    match &words[..] {
        [variable] if is_variable(variable) => Ok(Condition::True(variable.clone())),
        [variable, operator, word] if is_variable(variable) => {
            let negative = operator.text.starts_with('!');
            let variable = variable.clone();
            match operator.text.strip_prefix('!').unwrap_or(&operator.text) {
                "=" => Ok(Condition::Equal(variable, word.clone(), negative)),
                "~" => Ok(Condition::Match(variable, Expression::new(word, false), negative)),
                "~*" => Ok(Condition::Match(variable, Expression::new(word, true), negative)),
                _ => Err(setting.error(format!("unexpected \"{}\" in condition", operator.text))),
            }
        }
        [test, path] => {
            let negative = test.text.starts_with('!');
            let test = match test.text.strip_prefix('!').unwrap_or(&test.text) {
                "-f" => PathTest::File,
                "-d" => PathTest::Directory,
                "-e" => PathTest::Exists,
                "-x" => PathTest::Executable,
                _ => return invalid(0, test),
            };
            Ok(Condition::Path(path.clone(), test, negative))
        }
        [first, ..] => invalid(0, first),
        [] => invalid(0, &setting.args()[0]),
    }
}

fn is_variable(word: &Word) -> bool {
    word.text.len() > 1 && word.text.starts_with('$')
}

fn trim(word: &mut Word, strip: impl Fn(&str) -> Option<&str>) -> bool {
    let Some(rest) = strip(&word.text) else { return false };
    word.text = rest.to_owned();
    true
}
