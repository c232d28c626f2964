//! One field line: `name ":" SP* value SP* CRLF`.

use super::head::{Field, HeadLimits, Range32};
use super::{Name, Reject};
use memchr::memchr3;

const INVALID: Reject =
    Reject::new(400, "client sent invalid header line while reading client request headers");

/// What stands at the front of the bytes, and its length with the line end.
pub(super) enum Line {
    Field(Field, usize),
    /// A field whose name is odd, to be dropped.
    Odd(usize),
    /// The empty line.
    End(usize),
    Partial,
}

impl Field {
    /// The same field, `base` bytes further.
    pub(super) fn at(self, base: usize) -> Field {
        let move_on =
            |r: Range32| Range32 { start: r.start + base as u32, end: r.end + base as u32 };
        Field { name: move_on(self.name), value: move_on(self.value), ..self }
    }
}

const PLAIN: u8 = 0;
const UNDERSCORE: u8 = 1;
const ODD: u8 = 2;
const STOP: u8 = 4;

/// What a byte means in a name.
static CLASS: [u8; 256] = {
    let mut class = [ODD; 256];
    let mut byte = 0;
    while byte < 256 {
        class[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => PLAIN,
            b'_' => UNDERSCORE,
            b':' | 0..=0x20 | 0x7f => STOP,
            _ => ODD,
        };
        byte += 1;
    }
    class
};

/// Whether a name is of letters, digits and `-` alone, which no setting calls odd.
pub(super) fn is_plain(name: &[u8]) -> bool {
    name.iter().all(|&byte| CLASS[byte as usize] == PLAIN)
}

/// Parses the line at the front of `line`.
pub(super) fn line(line: &[u8], limits: &HeadLimits) -> Result<Line, Reject> {
    let mut seen = PLAIN;
    let mut name_end = 0;
    let stop = loop {
        let Some(&byte) = line.get(name_end) else { return Ok(Line::Partial) };
        let class = CLASS[byte as usize];
        if class == STOP {
            break byte;
        }
        seen |= class;
        name_end += 1;
    };
    // An empty line ends the head; a name without colon is a field with an empty value. Anything
    // else is a space before the colon, a folded line or a control character.
    let value_start = match stop {
        b':' if name_end > 0 => name_end + 1,
        b'\n' | b'\r' => name_end,
        _ => return Err(INVALID),
    };
    let rest = &line[value_start..];
    let spaces = rest.iter().position(|&byte| byte != b' ').unwrap_or(rest.len());
    let value_start = value_start + spaces;
    let Some(value_len) = memchr3(b'\r', b'\n', 0, &line[value_start..]) else {
        return Ok(Line::Partial);
    };
    let value_end = value_start + value_len;
    let Some(len) = line_end(line, value_end, name_end == 0)? else { return Ok(Line::Partial) };
    if name_end == 0 {
        return Ok(Line::End(len));
    }
    let odd = seen & ODD != 0 || (seen & UNDERSCORE != 0 && !limits.underscores);
    if odd && limits.ignore_invalid {
        return Ok(Line::Odd(len));
    }
    let id = if seen == PLAIN { Name::of(&line[..name_end]) } else { Name::Other };
    let value = &line[value_start..value_end];
    let trailing = value.iter().rev().take_while(|&&byte| byte == b' ').count();
    let value = Range32::new(value_start, value_end - trailing);
    Ok(Line::Field(Field { name: Range32::new(0, name_end), value, id }, len))
}

/// The offset after the line end at `at`: LF, or CR LF, or after a field even CR CR LF.
fn line_end(line: &[u8], at: usize, empty: bool) -> Result<Option<usize>, Reject> {
    let returns = line[at..].iter().take_while(|&&byte| byte == b'\r').count();
    match line.get(at + returns) {
        Some(b'\n') if returns < 2 || !empty => Ok(Some(at + returns + 1)),
        None if returns < 2 || !empty => Ok(None),
        _ => Err(INVALID),
    }
}
