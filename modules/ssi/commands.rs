//! The commands, in nginx's words and with its faults.

use std::borrow::Cow;
use std::ffi::CString;

use http::LogLevel;
use http::route::regex::Captures;
use mem::Str;

use crate::include;
use crate::page::{Encoding, Page, Part, Within};
use crate::parse::{Command, MOST_PARAMETERS};
use crate::shared::{Full, Shared};
use crate::words::{self, Expression};

/// Why a command cannot be carried out; `None`: it has been logged.
pub type Fault = Option<String>;

/// What a command is called, the parameters that it takes, those of them that it must have, and where in a condition it
/// may stand.
struct Row {
    name: &'static str,
    parameters: &'static [&'static str],
    needs: &'static [&'static str],
    /// Not later than here in a condition.
    within: Option<Within>,
}

const ROWS: &[Row] = &[
    row("include", &["virtual", "file", "wait", "set", "stub"], &[], None),
    row("echo", &["var", "default", "encoding"], &["var"], None),
    row("config", &["errmsg", "timefmt"], &[], None),
    row("set", &["var", "value"], &["var", "value"], None),
    row("if", &["expr"], &["expr"], None),
    row("elif", &["expr"], &["expr"], Some(Within::If)),
    row("else", &[], &[], Some(Within::If)),
    row("endif", &[], &[], Some(Within::Else)),
    row("block", &["name"], &["name"], None),
    row("endblock", &[], &[], None),
];

const fn row(
    name: &'static str,
    parameters: &'static [&'static str],
    needs: &'static [&'static str],
    within: Option<Within>,
) -> Row {
    Row { name, parameters, needs, within }
}

fn shown(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

impl Row {
    /// Checks the parameters of a command.
    fn check(&self, command: &Command) -> Result<(), Fault> {
        let name = self.name;
        if command.parameters.len() > MOST_PARAMETERS {
            return Err(Some(format!("too many SSI command parameters: \"{name}\"")));
        }
        for (at, (parameter, _)) in command.parameters.iter().enumerate() {
            let parameter = shown(parameter);
            if command.parameters[..at].iter().any(|(other, _)| **other == *parameter.as_bytes()) {
                return Err(Some(format!(
                    "duplicate \"{parameter}\" parameter in \"{name}\" SSI command"
                )));
            }
            if !self.parameters.contains(&&*parameter) {
                return Err(Some(format!(
                    "invalid parameter name: \"{parameter}\" in \"{name}\" SSI command"
                )));
            }
        }
        match self.needs.iter().find(|name| command.get(name).is_none()) {
            Some(missing) => Err(Some(format!(
                "mandatory \"{missing}\" parameter is absent in \"{name}\" SSI command"
            ))),
            None => Ok(()),
        }
    }
}

impl Command {
    fn get(&self, name: &str) -> Option<&[u8]> {
        let mut all = self.parameters.iter();
        all.find(|(known, _)| known == name.as_bytes()).map(|(_, value)| &value[..])
    }

    /// One that must be there, as has been checked.
    fn value(&self, name: &str) -> &[u8] {
        self.get(name).unwrap_or_default()
    }
}

impl Page {
    /// Carries a command out.
    pub fn command(&mut self, command: Command) -> Result<(), Fault> {
        let Some(row) = ROWS.iter().find(|row| row.name.as_bytes() == command.name) else {
            return match self.branch.hidden {
                true => Ok(()),
                false => Err(Some(format!("invalid SSI command: \"{}\"", shown(&command.name)))),
            };
        };
        if self.branch.hidden && row.name != "endblock" {
            if self.branch.block {
                let mut text = Vec::new();
                command.write(&mut text);
                return self.add_to_block(&text).map_err(|error| Some(error.to_string()));
            }
            if row.within.is_none() {
                return Ok(());
            }
        }
        let here = self.branch.within;
        if row.within.is_some_and(|last| here == Within::Nothing || here > last) {
            return Err(Some(format!("invalid context of SSI command: \"{}\"", row.name)));
        }
        row.check(&command)?;
        match row.name {
            "include" => self.include(&command),
            "echo" => self.echo(&command),
            "config" => self.config(&command),
            "set" => {
                let value = self.evaluate(command.value("value"))?;
                self.set(command.value("var"), &value)
            }
            "if" if here != Within::Nothing => {
                Err(Some("the \"if\" command inside the \"if\" command".to_owned()))
            }
            "if" | "elif" => self.condition(command.value("expr")),
            "else" => {
                self.branch.hidden = self.branch.chosen;
                self.branch.within = Within::Else;
                Ok(())
            }
            "endif" => {
                (self.branch.hidden, self.branch.chosen) = (false, false);
                self.branch.within = Within::Nothing;
                Ok(())
            }
            "block" => self.block(command.value("name")),
            _ => {
                (self.branch.hidden, self.branch.block) = (false, false);
                Ok(())
            }
        }
    }

    fn block(&mut self, name: &[u8]) -> Result<(), Fault> {
        let most = self.limits.memory;
        let begun = self.request.with_lasting(|shared: &mut Shared| shared.begin_block(name, most));
        begun.map_err(full)?;
        (self.branch.hidden, self.branch.block) = (true, true);
        Ok(())
    }

    /// Sets a variable of pages.
    pub fn set(&self, name: &[u8], value: &[u8]) -> Result<(), Fault> {
        let (name, most) = (name.to_ascii_lowercase(), self.limits.memory);
        let set = self.request.with_lasting(|shared: &mut Shared| shared.set(&name, value, most));
        set.map_err(full)
    }

    /// The value of a variable: of pages, else of the server; the name is in small letters.
    fn variable(&self, name: &[u8]) -> Option<Str> {
        let own = self.request.known_lasting(|shared: &Shared| shared.variable(name)).flatten();
        own.or_else(|| {
            let mut value = Vec::new();
            let name = std::str::from_utf8(name).ok()?;
            self.lookup.value(name, &self.request, &mut value).then(|| Str::from(value))
        })
    }

    /// A text with variables in it.
    fn evaluate(&self, text: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut value = Vec::new();
        for part in words::parts(text).map_err(Some)? {
            match part {
                words::Part::Text(text) => value.extend_from_slice(&text),
                words::Part::Variable(name) => {
                    value.extend_from_slice(&self.variable(&name).unwrap_or_default());
                }
            }
            if value.len() > self.limits.memory {
                return Err(full(Full));
            }
        }
        Ok(value)
    }

    fn echo(&mut self, command: &Command) -> Result<(), Fault> {
        let name = command.value("var").to_ascii_lowercase();
        let value = self.variable(&name);
        if value.is_none() && matches!(&name[..], b"date_local" | b"date_gmt") {
            return Err(Some("the time cannot be written in this format".to_owned()));
        }
        let default = || Str::copy(command.get("default").unwrap_or(b"(none)"));
        let value = value.unwrap_or_else(default);
        if value.is_empty() {
            return Ok(());
        }
        if let Some(encoding) = command.get("encoding") {
            match encoding {
                b"none" => self.encoding = Encoding::None,
                b"url" => self.encoding = Encoding::Url,
                b"entity" => self.encoding = Encoding::Entity,
                other => {
                    let other = shown(other);
                    let fault =
                        format_args!("unknown encoding \"{other}\" in the \"echo\" command");
                    self.request.error(LogLevel::Error, fault);
                }
            }
        }
        encode(&value, self.encoding, &mut self.text);
        Ok(())
    }

    fn config(&mut self, command: &Command) -> Result<(), Fault> {
        if let Some(format) = command.get("timefmt") {
            let end = format.iter().position(|&byte| byte == 0).unwrap_or(format.len());
            self.set_time_format(CString::new(&format[..end]).unwrap_or_default());
        }
        if let Some(text) = command.get("errmsg") {
            self.fault_text = text.to_vec();
        }
        Ok(())
    }

    fn condition(&mut self, text: &[u8]) -> Result<(), Fault> {
        if self.branch.chosen {
            self.branch.hidden = true;
            return Ok(());
        }
        let invalid = || Some(format!("invalid expression in \"{}\"", shown(text)));
        let holds = match words::expression(text).ok_or_else(invalid)? {
            Expression::Exists(left) => !self.evaluate(&left)?.is_empty(),
            Expression::Equals { left, right, negative } => {
                (self.evaluate(&left)? == self.evaluate(right)?) != negative
            }
            Expression::Matches { left, pattern, negative } => {
                let (left, pattern) = (self.evaluate(&left)?, self.evaluate(pattern)?);
                self.matches(left, &pattern)? != negative
            }
        };
        self.branch.hidden = !holds;
        self.branch.chosen = holds;
        self.branch.within = Within::If;
        Ok(())
    }

    /// Whether an expression matches; its groups are variables from then on.
    fn matches(&self, subject: Vec<u8>, pattern: &[u8]) -> Result<bool, Fault> {
        let pattern = shown(pattern);
        let regex = http::Regex::new(&pattern, false, "a page").map_err(Some)?;
        let subject = Str::from(subject);
        let named = self.request.with_lasting(|shared: &mut Shared| {
            let mut captures = Captures::default();
            if !regex.matches(&subject, &mut captures).map_err(|error| error.to_string())? {
                return Ok(None);
            }
            let value = |name: &str| (name.to_owned(), captures.named(name).unwrap_or_default());
            let named = regex.names().map(value).collect::<Vec<_>>();
            shared.captures = captures;
            Ok::<_, String>(Some(named))
        });
        let Some(named) = named.map_err(Some)? else { return Ok(false) };
        named.iter().try_for_each(|(name, value)| self.set(name.as_bytes(), value))?;
        Ok(true)
    }

    fn include(&mut self, command: &Command) -> Result<(), Fault> {
        let (page, file) = (command.get("virtual"), command.get("file"));
        let (set, stub) = (command.get("set"), command.get("stub"));
        let name = match (page, file) {
            (Some(page), Some(file)) => {
                let (page, file) = (shown(page), shown(file));
                return Err(Some(format!(
                    "inclusion may be either virtual=\"{page}\" or file=\"{file}\""
                )));
            }
            (Some(name), None) | (None, Some(name)) => name,
            (None, None) => {
                return Err(Some("no parameter in \"include\" SSI command".to_owned()));
            }
        };
        if set.is_some() && stub.is_some() {
            let fault = "\"set\" and \"stub\" cannot be used together in \"include\" SSI command";
            return Err(Some(fault.to_owned()));
        }
        let waits = match (file, command.get("wait")) {
            (Some(file), Some(_)) => {
                let file = shown(file);
                return Err(Some(format!("\"wait\" cannot be used with file=\"{file}\"")));
            }
            (file, _) => file.is_some() || waits(command)?,
        };
        let uri = include::uri(&self.request, &self.path(name)?).ok_or(None)?;
        let stub = match stub {
            None => None,
            Some(name) => {
                let block = self.request.known_lasting(|shared: &Shared| shared.block(name));
                let unknown =
                    || Some(format!("\"stub\"=\"{}\" for \"include\" not found", shown(name)));
                Some(block.flatten().ok_or_else(unknown)?)
            }
        };
        if let Some(name) = set {
            // It is there from now on, whatever the answer is.
            let name = name.to_ascii_lowercase();
            let known = self.request.known_lasting(|shared: &Shared| shared.variable(&name));
            if known.flatten().is_none() {
                self.set(&name, b"")?;
            }
        }
        let asked = include::ask(&self.request, uri, stub).ok_or(None)?;
        self.push(match set {
            Some(name) => {
                let name = name.to_ascii_lowercase();
                Part::Set(name, include::answer(asked, self.limits.answer))
            }
            None => Part::Body(asked.into_body()),
        });
        self.waits = waits || set.is_some();
        Ok(())
    }

    /// The path that a text names: beside this page, if it does not begin with a slash.
    fn path(&self, text: &[u8]) -> Result<Vec<u8>, Fault> {
        let path = self.evaluate(text)?;
        if path.first() == Some(&b'/') {
            return Ok(path);
        }
        let uri = &self.request.uri;
        let folder = uri.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        Ok([&uri[..folder], &path].concat())
    }
}

fn waits(command: &Command) -> Result<bool, Fault> {
    match command.get("wait") {
        None => Ok(false),
        Some(word) if word.eq_ignore_ascii_case(b"no") => Ok(false),
        Some(word) if word.eq_ignore_ascii_case(b"yes") => Ok(true),
        Some(word) => {
            Err(Some(format!("invalid value \"{}\" in the \"wait\" parameter", shown(word))))
        }
    }
}

fn full(_: Full) -> Fault {
    Some("variables and blocks take more than ssi_max_memory".to_owned())
}

/// What nginx escapes in a URI that is to stand in a page.
fn is_escaped(byte: u8) -> bool {
    byte <= b' ' || byte >= 0x7f || b"\"#%'<>\\^`{|}".contains(&byte)
}

/// Writes a value so that it is text of a page, or part of a URI.
fn encode(value: &[u8], encoding: Encoding, out: &mut Vec<u8>) {
    for &byte in value {
        match (encoding, byte) {
            (Encoding::Entity, b'<') => out.extend_from_slice(b"&lt;"),
            (Encoding::Entity, b'>') => out.extend_from_slice(b"&gt;"),
            (Encoding::Entity, b'&') => out.extend_from_slice(b"&amp;"),
            (Encoding::Entity, b'"') => out.extend_from_slice(b"&quot;"),
            (Encoding::Url, _) if is_escaped(byte) => {
                out.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
            _ => out.push(byte),
        }
    }
}
