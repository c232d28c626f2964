//! Commands in a text, as nginx finds them, in pieces that end anywhere.
//!
//! ```text
//! <!--# NAME PARAMETER="VALUE" PARAMETER='VALUE' -->
//! ```
//! A backslash in a value is kept, and takes its meaning from a quote behind it.

use std::fmt::Write;

/// A name is no longer.
const LONGEST_NAME: usize = 32;
/// More parameters no command has; one more is kept, so that this can be told.
pub const MOST_PARAMETERS: usize = 16;
/// What may begin a command is held back.
const OPENING: &[u8] = b"<!--";

/// A command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Its name.
    pub name: Vec<u8>,
    /// Names and values, in order; of too many one more than is allowed.
    pub parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Command {
    /// Its text, as nginx writes it down again.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<!--#");
        out.extend_from_slice(&self.name);
        for (name, value) in &self.parameters {
            for part in [b" ", &name[..], b"=\"", value, b"\""] {
                out.extend_from_slice(part);
            }
        }
        out.extend_from_slice(b" -->");
    }
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// The piece has ended.
    End,
    /// A command.
    Command(Command),
    /// Something that should be one; why it is not.
    Fault(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    /// So many bytes of [`OPENING`] have been found.
    Opening(usize),
    BeforeName,
    Name,
    BeforeParameter,
    Parameter,
    BeforeEqual,
    BeforeValue,
    Value(u8),
    /// Behind a backslash in a value that this quote ends.
    Quoted(u8),
    AfterValue,
    /// So many dashes of the end.
    Closing(usize),
    /// The same in what is no command.
    Fault(usize),
}

/// Finds commands.
#[derive(Debug)]
pub struct Parser {
    state: State,
    command: Command,
    fault: String,
    longest_value: usize,
}

impl Parser {
    /// One for values of at most so many bytes.
    pub fn new(longest_value: usize) -> Parser {
        Parser {
            state: State::Text,
            command: Command::default(),
            fault: String::new(),
            longest_value,
        }
    }

    /// Reads up to the next command; `at` moves on. What is text is appended to `text`; what is held back because a
    /// command may begin there is lost when nothing follows, as in nginx.
    pub fn find(&mut self, piece: &[u8], at: &mut usize, text: &mut Vec<u8>) -> Found {
        while *at < piece.len() {
            if self.state == State::Text {
                let rest = &piece[*at..];
                let end = memchr::memchr(b'<', rest);
                text.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
                let Some(end) = end else {
                    *at = piece.len();
                    break;
                };
                *at += end + 1;
                self.state = State::Opening(1);
                continue;
            }
            let byte = piece[*at];
            *at += 1;
            if let State::Opening(known) = self.state {
                self.opening(known, byte, text);
            } else if self.step(byte) {
                self.state = State::Text;
                return match std::mem::take(&mut self.fault) {
                    fault if fault.is_empty() => Found::Command(std::mem::take(&mut self.command)),
                    fault => Found::Fault(fault),
                };
            }
        }
        Found::End
    }

    fn opening(&mut self, known: usize, byte: u8, text: &mut Vec<u8>) {
        self.state = match (OPENING.get(known), byte) {
            (None, b'#') => State::BeforeName,
            (Some(expected), byte) if *expected == byte => State::Opening(known + 1),
            (_, b'<') => {
                text.extend_from_slice(&OPENING[..known]);
                State::Opening(1)
            }
            _ => {
                text.extend_from_slice(&OPENING[..known]);
                text.push(byte);
                State::Text
            }
        };
    }

    /// Whether this byte is the last one.
    fn step(&mut self, byte: u8) -> bool {
        let is_space = matches!(byte, b' ' | b'\r' | b'\n' | b'\t');
        self.state = match (self.state, byte) {
            (State::BeforeName | State::BeforeParameter | State::BeforeEqual, _) if is_space => {
                return false;
            }
            (State::BeforeValue, _) if is_space => return false,
            (State::BeforeName, _) => {
                self.command = Command { name: vec![byte], parameters: Vec::new() };
                State::Name
            }
            (State::Name | State::AfterValue, _) if is_space => State::BeforeParameter,
            (State::Name | State::BeforeParameter | State::AfterValue, b'-') => State::Closing(1),
            (State::Name, _) => self.name(byte),
            (State::BeforeParameter, _) => {
                self.command.parameters.truncate(MOST_PARAMETERS);
                self.command.parameters.push((vec![byte], Vec::new()));
                State::Parameter
            }
            (State::Parameter, _) if is_space => State::BeforeEqual,
            (State::Parameter | State::BeforeEqual, b'=') => State::BeforeValue,
            (State::Parameter, b'-') => self.unexpected(byte, "in", true),
            (State::Parameter, _) => self.parameter(byte),
            (State::BeforeEqual, _) => self.unexpected(byte, "after", true),
            (State::BeforeValue, b'"' | b'\'') => State::Value(byte),
            (State::BeforeValue, _) => self.unexpected(byte, "before value of", true),
            (State::Value(quote), _) if byte == quote => State::AfterValue,
            (State::Value(quote), b'\\') => self.value(byte, State::Quoted(quote)),
            (State::Value(quote) | State::Quoted(quote), _) => {
                self.value(byte, State::Value(quote))
            }
            (State::AfterValue, _) => self.unexpected(byte, "after the value of", true),
            (State::Closing(1), b'-') => State::Closing(2),
            (State::Closing(2), b'>') | (State::Fault(2), b'>') => return true,
            (State::Closing(_), _) => self.unexpected(byte, "", false),
            (State::Fault(dashes), b'-') if dashes < 2 => State::Fault(dashes + 1),
            (State::Fault(_) | State::Text | State::Opening(_), _) => State::Fault(0),
        };
        false
    }

    fn name(&mut self, byte: u8) -> State {
        if self.command.name.len() == LONGEST_NAME {
            let name = self.command.name.escape_ascii();
            self.fault = format!("the \"{name}{}...\" SSI command is too long", shown(byte));
            return State::Fault(0);
        }
        self.command.name.push(byte);
        State::Name
    }

    fn parameter(&mut self, byte: u8) -> State {
        let Some((name, _)) = self.command.parameters.last_mut() else { return State::Fault(0) };
        if name.len() == LONGEST_NAME {
            let name = name.escape_ascii().to_string();
            return self.fault(format!("too long \"{name}{}...\" parameter", shown(byte)), byte);
        }
        name.push(byte);
        State::Parameter
    }

    fn value(&mut self, byte: u8, next: State) -> State {
        let Some((name, value)) = self.command.parameters.last_mut() else {
            return State::Fault(0);
        };
        if value.len() >= self.longest_value {
            let (name, value) = (name.escape_ascii(), value.escape_ascii());
            let fault =
                format!("too long \"{value}{}...\" value of \"{name}\" parameter", shown(byte));
            // As in nginx: this dash is none of the end.
            return self.fault(fault, b' ');
        }
        value.push(byte);
        next
    }

    fn unexpected(&mut self, byte: u8, place: &str, of_parameter: bool) -> State {
        let mut fault = format!("unexpected \"{}\" symbol", shown(byte));
        if of_parameter && let Some((name, _)) = self.command.parameters.last() {
            let _ = write!(fault, " {place} \"{}\" parameter", name.escape_ascii());
        }
        let is_value = matches!(self.state, State::AfterValue | State::Closing(_));
        // Only in these places a dash may begin the end.
        self.fault(fault, if is_value { b' ' } else { byte })
    }

    fn fault(&mut self, fault: String, byte: u8) -> State {
        self.fault = format!("{fault} in \"{}\" SSI command", self.command.name.escape_ascii());
        State::Fault(usize::from(byte == b'-'))
    }
}

fn shown(byte: u8) -> std::ascii::EscapeDefault {
    std::ascii::escape_default(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts and commands, with the texts joined.
    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut parser = Parser::new(20);
        let (mut all, mut text) = (Vec::new(), Vec::new());
        for piece in pieces {
            let mut at = 0;
            loop {
                let found = parser.find(piece, &mut at, &mut text);
                if found == Found::End {
                    break;
                }
                all.push(std::mem::take(&mut text).escape_ascii().to_string());
                all.push(format!("{found:?}"));
            }
            assert_eq!(at, piece.len());
        }
        all.push(text.escape_ascii().to_string());
        all
    }

    #[test]
    fn it_is_the_same_wherever_it_is_cut() {
        let pages: [&[u8]; 8] = [
            b"a<!--#echo var=\"uri\" default='x' -->b<!--#endif-->c",
            b"<<!<!-<!--<!--#a b='\\'c\\\\'-->d<!-- e -->",
            b"a<!--#b c-d='e'-->f<!--#g h -->i--->j-->k",
            b"a<!--#b c='e'd-->f<!--#g --x->h-->i",
            b"<!--#aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-->b",
            b"<!--#b aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa='1'-->b",
            b"<!--#b c='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' -->b",
            b"<!--#b c='1' d='1' e='1' f='1' g='1' h='1' i='1' j='1' k='1' l='1' m='1' n='1' o='1' p='1' q='1' r='1' s='1' t='1'-->u",
        ];
        for page in pages {
            let whole = read(&[page]);
            for cut in 0..=page.len() {
                assert_eq!(read(&[&page[..cut], &page[cut..]]), whole);
            }
            let bytes: Vec<&[u8]> = page.chunks(1).collect();
            assert_eq!(read(&bytes), whole);
        }
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let name = b"set".to_vec();
        let parameters =
            vec![(b"var".to_vec(), b"x".to_vec()), (b"value".to_vec(), b"a\\\"b".to_vec())];
        let command = Command { name, parameters };
        let mut text = Vec::new();
        command.write(&mut text);
        let mut at = 0;
        let found = Parser::new(20).find(&text, &mut at, &mut Vec::new());
        assert_eq!(found, Found::Command(command));
    }
}
