//! Strings of answers.

use mem::Str;

/// A string that lives as long as the process.
pub const fn text(text: &'static str) -> Str {
    Str::from_static(text.as_bytes())
}
