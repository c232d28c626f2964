//! `# lint:ignore NAME …`: the parser drops comments, the text of the files has them.

use conf::{Files, Span};

const MARK: &str = "lint:ignore";

/// Whether the comment of a place, or a line before it that is nothing but a comment, silences a check.
pub(crate) fn says(files: &Files, span: Span, check: &str) -> bool {
    let before = Span { line: span.line.saturating_sub(1), ..span };
    let above = files.line(before).trim_start();
    silences(files.line(span), check)
        || (span.line > 1 && above.starts_with('#') && silences(above, check))
}

fn silences(line: &str, check: &str) -> bool {
    let Some((before, names)) = line.split_once(MARK) else { return false };
    let mut names = names.split([' ', '\t', ',']);
    before.trim_end().ends_with('#') && names.any(|name| name == check)
}
