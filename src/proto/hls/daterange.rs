//! Date ranges, and what stands before the segments of a break (draft-pantos-hls-rfc8216bis §4.4.5.1, ANSI/SCTE 35).

use std::fmt::Write;

use super::decimal::millis;
use crate::date;

/// Something that has a date, and may last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DateRange {
    /// Two tags with one are of one range.
    pub id: String,
    /// What kind of range it is.
    pub class: Option<String>,
    /// When it begins, in milliseconds of Unix time.
    pub start: u64,
    /// How long it was, in milliseconds.
    pub duration: Option<u64>,
    /// How long it is to be, in milliseconds.
    pub planned: Option<u64>,
    /// A section of SCTE-35, and what it is there for.
    pub scte35: Option<(Scte35, Vec<u8>)>,
}

/// What a section of SCTE-35 does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scte35 {
    /// A break begins.
    Out,
    /// It ends.
    In,
    /// Neither.
    Command,
}

/// What a segment is to a break. Times are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Splice {
    /// The break begins with it.
    Out {
        /// How long it is to be.
        duration: Option<u64>,
    },
    /// It is in the break.
    Continues {
        /// What of that has passed.
        elapsed: u64,
        /// How long it is to be.
        duration: Option<u64>,
    },
    /// It is the first behind the break.
    In,
}

impl DateRange {
    pub(super) fn write(&self, out: &mut String) {
        out.push_str("#EXT-X-DATERANGE:ID=");
        quote(&self.id, out);
        if let Some(class) = &self.class {
            out.push_str(",CLASS=");
            quote(class, out);
        }
        let _ = write!(out, ",START-DATE=\"{}\"", date::iso_8601(self.start));
        if let Some(duration) = self.duration {
            let _ = write!(out, ",DURATION={}", millis(duration));
        }
        if let Some(planned) = self.planned {
            let _ = write!(out, ",PLANNED-DURATION={}", millis(planned));
        }
        if let Some((what, section)) = &self.scte35 {
            out.push_str(match what {
                Scte35::Out => ",SCTE35-OUT=0x",
                Scte35::In => ",SCTE35-IN=0x",
                Scte35::Command => ",SCTE35-CMD=0x",
            });
            for byte in section {
                let _ = write!(out, "{byte:02X}");
            }
        }
        out.push('\n');
    }
}

impl Splice {
    pub(super) fn write(self, out: &mut String) {
        match self {
            Splice::Out { duration: None } => out.push_str("#EXT-X-CUE-OUT"),
            Splice::Out { duration: Some(duration) } => {
                let _ = write!(out, "#EXT-X-CUE-OUT:DURATION={}", millis(duration));
            }
            Splice::Continues { elapsed, duration } => {
                let _ = write!(out, "#EXT-X-CUE-OUT-CONT:ElapsedTime={}", millis(elapsed));
                if let Some(duration) = duration {
                    let _ = write!(out, ",Duration={}", millis(duration));
                }
            }
            Splice::In => out.push_str("#EXT-X-CUE-IN"),
        }
        out.push('\n');
    }
}

/// A quoted string has neither quotes nor ends of lines in it (RFC 8216 §4.2), whoever has thought of it.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    out.extend(text.chars().map(|it| if it == '"' || it.is_control() { '_' } else { it }));
    out.push('"');
}
