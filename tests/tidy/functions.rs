//! Functions fit a screen. The sources are formatted: a function ends with the brace that stands as far in as it does.

/// The longest function, in lines.
pub const LONGEST: usize = 70;

/// Functions of a file that are longer: their names, lines and lengths.
pub fn long(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let indent = depth(line);
        let Some(name) = name(line) else { continue };
        let closing = format!("{}}}", " ".repeat(indent));
        // A function of a trait may have no body.
        let own =
            lines[at..].iter().take_while(|line| !line.ends_with(';') || depth(line) > indent);
        let Some(len) = own.clone().position(|line| **line == closing) else { continue };
        if len + 1 > LONGEST {
            found.push((name.to_owned(), at + 1, len + 1));
        }
    }
    found
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The name of the function that begins in a line.
fn name(line: &str) -> Option<&str> {
    let (before, behind) = line.split_once("fn ")?;
    let modifiers =
        ["pub", "pub(crate)", "pub(super)", "async", "const", "unsafe", "extern", "\"C\"", ""];
    if !before.trim().split(' ').all(|word| modifiers.contains(&word) || word.starts_with("pub(in"))
    {
        return None;
    }
    behind.split(['(', '<']).next().filter(|name| !name.is_empty())
}

#[test]
fn a_long_function_is_found() {
    let body = "        work();\n".repeat(LONGEST - 1);
    let text = format!(
        "impl A {{\n    pub fn long(&self) {{\n{body}    }}\n\n    fn short() {{\n    }}\n}}\n"
    );
    assert_eq!(long(&text), [("long".to_owned(), 2, LONGEST + 1)]);
}
