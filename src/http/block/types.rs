//! File extensions and their media types.

use std::collections::HashMap;

use mem::Str;

/// A `types {}` block: extensions (lower case) and types.
#[derive(Debug)]
pub struct Types {
    by_extension: HashMap<Box<[u8]>, Str>,
    /// Longer extensions are not looked for.
    longest: usize,
}

impl Default for Types {
    /// nginx's built-in three, for a configuration without `types`.
    fn default() -> Types {
        let mut types = Types { by_extension: HashMap::new(), longest: 0 };
        types.add("html", Str::from("text/html"));
        types.add("gif", Str::from("image/gif"));
        types.add("jpg", Str::from("image/jpeg"));
        types
    }
}

impl Types {
    /// No types.
    pub fn new() -> Types {
        Types { by_extension: HashMap::new(), longest: 0 }
    }

    /// Adds an extension; gives the type that it had before.
    pub fn add(&mut self, extension: &str, media_type: Str) -> Option<Str> {
        let extension = conf::text::bytes(extension).to_ascii_lowercase();
        self.longest = self.longest.max(extension.len());
        self.by_extension.insert(extension.into(), media_type)
    }

    /// The type of a file, by its name: what follows the last dot of the last component.
    pub fn of(&self, path: &[u8]) -> Option<&Str> {
        let dot = path.iter().rposition(|&byte| byte == b'.' || byte == b'/')?;
        let extension = &path[dot + 1..];
        if path[dot] != b'.' || extension.len() > self.longest.min(LONGEST) {
            return None;
        }
        let mut lower = [0; LONGEST];
        let lower = &mut lower[..extension.len()];
        lower.copy_from_slice(extension);
        lower.make_ascii_lowercase();
        self.by_extension.get(&*lower)
    }
}

const LONGEST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_extension_counts_in_any_case() {
        let types = Types::default();
        assert_eq!(types.of(b"/a.b/x.HTML"), Some(&Str::from("text/html")));
        assert_eq!(types.of(b"/x.html.bak"), None);
        assert_eq!(types.of(b"/a.html/x"), None);
        assert_eq!(types.of(b"/html"), None);
        assert_eq!(types.of(&[b".".as_slice(), &[b'x'; 100]].concat()), None);
    }
}
