//! `split_clients`: a variable that shares clients out, by a hash of what they are known by.
//!
//! ```text
//! split_clients "${remote_addr}x" $variant { 0.5% one; 2% two; * ""; }
//!               hash: 0 … 2^32              |--|-----|------------|
//! ```
#![forbid(unsafe_code)]

mod murmur;

use std::cell::OnceCell;
use std::rc::Rc;

use conf::{Arity, Directive, Error, Opt, Setting, Word, contexts};
use http::vars::scope::Scope;
use http::vars::template::Template;
use http::{Declarations, Hooks, Module, Value};
use mem::Str;

/// The module.
pub struct SplitClients;

/// What its directive sets.
#[derive(Default)]
pub struct Conf {
    splits: Opt<Vec<Rc<Written>>>,
}

/// One block.
struct Written {
    source: Word,
    variable: Word,
    parts: Vec<(Share, Str)>,
}

/// Whose a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// Hashes below this, of those that no part before has.
    Below(u32),
    /// `*`
    Rest,
}

/// 100%, as it is written with two digits behind the point.
const ALL: u64 = 10_000;

impl Module for SplitClients {
    const NAME: &'static str = "split_clients";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = DIRECTIVES;

    fn declare(conf: &Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        conf.declare(declarations)
    }

    fn inherit(_: &mut Conf, _: &Conf) {}

    fn install(_: &Conf, _: &mut Hooks<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

impl stream::Module for SplitClients {
    const NAME: &'static str = "stream split_clients";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = DIRECTIVES;
    const IS_OF_HTTP: bool = true;

    fn declare(conf: &Conf, declarations: &stream::Declarations<'_, '_>) -> Result<(), Error> {
        conf.declare(declarations)
    }

    fn inherit(_: &mut Conf, _: &Conf) {}

    fn install(_: &Conf, _: &mut stream::Hooks<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

const DIRECTIVES: &[Directive<Conf>] = &[Directive::new(
        "split_clients",
        contexts!(HTTP | STREAM),
        Arity::Exactly(2),
        |conf: &mut Conf, setting| {
            conf.splits.push(Rc::new(read(setting)?));
            Ok(())
        },
        "",
        "a variable (second argument) whose value is shared out by a hash of the first: lines of PERCENT% or *, and a value",
    )
    .with_block()];

impl Conf {
    fn declare<R: Scope>(&self, declarations: &Declarations<'_, '_, R>) -> Result<(), Error> {
        for written in self.splits.as_slice() {
            let split = Rc::new(Split { source: OnceCell::new(), written: written.clone() });
            declarations.make(&written.variable, split.clone())?;
            declarations.later(move |declarations| {
                let source = declarations.template(&split.written.source)?;
                let _ = split.source.set(source);
                Ok(())
            });
        }
        Ok(())
    }
}

fn read(setting: &Setting<'_>) -> Result<Written, Error> {
    let [source, variable] = setting.args() else {
        return Err(setting.error("split_clients takes a source and a variable"));
    };
    let mut parts = Vec::new();
    let (mut sum, mut last) = (0, 0_u64);
    for node in setting.block() {
        let line = Setting::new(node, setting.context(), setting.env());
        let [value] = &node.args[..] else {
            return Err(line.error("invalid number of parameters in the \"split_clients\" block"));
        };
        let share = match node.name.text.as_str() {
            "*" => {
                sum = ALL;
                Share::Rest
            }
            text => {
                let share = percent(text);
                let share =
                    share.ok_or_else(|| line.error(format!("invalid percent value \"{text}\"")))?;
                sum += share;
                last += share * u64::from(u32::MAX) / ALL;
                Share::Below(last as u32)
            }
        };
        if sum > ALL {
            return Err(line.error("percent total is greater than 100%"));
        }
        parts.push((share, Str::copy(&conf::text::bytes(&value.text))));
    }
    Ok(Written { source: source.clone(), variable: variable.clone(), parts })
}

/// `0.5%` as 50.
fn percent(text: &str) -> Option<u64> {
    let number = text.strip_suffix('%')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if fraction.len() > 2
        || !digits(whole)
        || !digits(fraction)
        || whole.len() + fraction.len() == 0
    {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction: u64 = format!("{fraction:0<2}").parse().ok()?;
    let share = whole.checked_mul(100)?.checked_add(fraction)?;
    (share > 0).then_some(share)
}

/// The variable.
struct Split<R: 'static> {
    source: OnceCell<Template<R>>,
    written: Rc<Written>,
}

impl<R: Scope> Value<R> for Split<R> {
    fn value(&self, request: &R, out: &mut Vec<u8>) -> bool {
        let Some(template) = self.source.get() else { return false };
        let mut source = Vec::new();
        template.write(request, &mut source, |_, _, _| {});
        let hash = murmur::hash(&source);
        let has = |share: Share| match share {
            Share::Below(bound) => hash < bound,
            Share::Rest => true,
        };
        if let Some((_, value)) = self.written.parts.iter().find(|(share, _)| has(*share)) {
            out.extend_from_slice(value);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents() {
        for (text, expected) in [
            ("1%", Some(100)),
            ("0.5%", Some(50)),
            ("33.33%", Some(3333)),
            (".5%", Some(50)),
            ("100%", Some(10_000)),
            ("0%", None),
            ("1", None),
            ("1.234%", None),
            ("x%", None),
            ("-1%", None),
            ("%", None),
            ("99999999999999999999%", None),
        ] {
            assert_eq!(percent(text), expected, "{text}");
        }
    }
}
