//! Names of hosts and patterns of them: `example.com`, `*.example.com`, `www.example.*`, found label by label.
//!
//! Each list is a table by its text, and a host is looked up once for each of its labels, the longest pattern first: what
//! a look-up costs does not depend on how many patterns there are. Of a host that a client has made up only the parts
//! are looked up that are no longer than the longest pattern.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Patterns with what they stand for. Texts are in small letters.
pub struct Patterns<T> {
    /// As they are.
    words: HashMap<Box<[u8]>, T>,
    /// Of `*.example.com`: what stands behind the star's dot.
    suffixes: Parts<T>,
    /// Of `www.example.*`: what stands before it.
    prefixes: Parts<T>,
}

struct Parts<T> {
    texts: HashMap<Box<[u8]>, T>,
    /// Bytes of the longest.
    longest: usize,
}

impl<T> Default for Parts<T> {
    fn default() -> Parts<T> {
        Parts { texts: HashMap::new(), longest: 0 }
    }
}

impl<T> Default for Patterns<T> {
    fn default() -> Patterns<T> {
        Patterns { words: HashMap::new(), suffixes: Parts::default(), prefixes: Parts::default() }
    }
}

/// It is there already.
#[derive(Debug, PartialEq, Eq)]
pub struct Conflict;

impl<T> Patterns<T> {
    /// Adds a word that stands for itself alone.
    pub fn add_word(&mut self, word: &[u8], value: T) -> Result<(), Conflict> {
        insert(&mut self.words, word, value)
    }

    /// Adds all names below a domain.
    pub fn add_suffix(&mut self, suffix: &[u8], value: T) -> Result<(), Conflict> {
        self.suffixes.add(suffix, value)
    }

    /// Adds all names that go on behind these labels.
    pub fn add_prefix(&mut self, prefix: &[u8], value: T) -> Result<(), Conflict> {
        self.prefixes.add(prefix, value)
    }

    /// What a name stands for: of the word, of the longest suffix, of the longest prefix.
    pub fn find(&self, name: &[u8]) -> Option<&T> {
        self.words.get(name).or_else(|| self.find_suffix(name)).or_else(|| self.find_prefix(name))
    }

    fn find_suffix(&self, name: &[u8]) -> Option<&T> {
        if self.suffixes.texts.is_empty() {
            return None;
        }
        dots(name).find_map(|dot| self.suffixes.get(&name[dot + 1..]))
    }

    fn find_prefix(&self, name: &[u8]) -> Option<&T> {
        if self.prefixes.texts.is_empty() {
            return None;
        }
        // Something must follow the dot.
        let dots = dots(name).rev().filter(|dot| dot + 1 < name.len());
        dots.into_iter().find_map(|dot| self.prefixes.get(&name[..dot]))
    }
}

impl<T> Parts<T> {
    fn add(&mut self, text: &[u8], value: T) -> Result<(), Conflict> {
        self.longest = self.longest.max(text.len());
        insert(&mut self.texts, text, value)
    }

    fn get(&self, text: &[u8]) -> Option<&T> {
        if text.len() > self.longest {
            return None;
        }
        #[cfg(test)]
        tests::LOOKED_UP.with(|count| count.set(count.get() + 1));
        self.texts.get(text)
    }
}

fn insert<T>(texts: &mut HashMap<Box<[u8]>, T>, text: &[u8], value: T) -> Result<(), Conflict> {
    match texts.entry(text.into()) {
        Entry::Occupied(_) => Err(Conflict),
        Entry::Vacant(place) => {
            place.insert(value);
            Ok(())
        }
    }
}

fn dots(name: &[u8]) -> impl DoubleEndedIterator<Item = usize> {
    name.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        /// Look-ups in tables of parts.
        pub(super) static LOOKED_UP: Cell<usize> = const { Cell::new(0) };
    }

    fn patterns() -> Patterns<&'static str> {
        let mut patterns = Patterns::default();
        for (text, value) in [("example.com", "word"), ("", "empty")] {
            patterns.add_word(text.as_bytes(), value).expect("new");
        }
        for (text, value) in [
            ("example.com", "*.example.com"),
            ("b.example.com", "*.b.example.com"),
            ("com", "*.com"),
        ] {
            patterns.add_suffix(text.as_bytes(), value).expect("new");
        }
        for (text, value) in [("www", "www.*"), ("www.example", "www.example.*"), ("b", "b.*")] {
            patterns.add_prefix(text.as_bytes(), value).expect("new");
        }
        patterns
    }

    /// As nginx (ngx_hash_find_combined): the word, then the longest `*.`, then the longest `.*`.
    #[test]
    fn the_longest_wins_in_nginxs_order() {
        let patterns = patterns();
        let found = |name: &str| patterns.find(name.as_bytes()).copied();
        for (name, value) in [
            ("example.com", Some("word")),
            ("a.example.com", Some("*.example.com")),
            ("x.y.example.com", Some("*.example.com")),
            ("b.example.com", Some("*.example.com")),
            ("a.b.example.com", Some("*.b.example.com")),
            ("notexample.com", Some("*.com")),
            ("www.example.com", Some("*.example.com")),
            ("www.example.org", Some("www.example.*")),
            ("www.example.org.uk", Some("www.example.*")),
            ("www.other.org", Some("www.*")),
            ("www.", None),
            ("www", None),
            ("com", None),
            ("b.x", Some("b.*")),
            ("", Some("empty")),
            (".", None),
        ] {
            assert_eq!(found(name), value, "{name}");
        }
    }

    #[test]
    fn what_is_there_is_a_conflict() {
        let mut patterns = patterns();
        assert_eq!(patterns.add_word(b"example.com", ""), Err(Conflict));
        assert_eq!(patterns.add_suffix(b"com", ""), Err(Conflict));
        assert_eq!(patterns.add_prefix(b"www", ""), Err(Conflict));
        assert_eq!(patterns.add_prefix(b"example.com", ""), Ok(()));
    }

    /// A million of each kind: a name is looked up as often as it has labels.
    #[test]
    fn a_look_up_does_not_depend_on_how_many_there_are() {
        let mut patterns = Patterns::default();
        for n in 0..1_000_000u32 {
            patterns.add_word(format!("w{n}.example.com").as_bytes(), n).expect("new");
            patterns.add_suffix(format!("s{n}.example.com").as_bytes(), n).expect("new");
            patterns.add_prefix(format!("www.p{n}").as_bytes(), n).expect("new");
        }
        for (name, value) in [
            ("w999999.example.com", Some(999_999)),
            ("a.b.s77.example.com", Some(77)),
            ("www.p12345.example.org", Some(12_345)),
            ("www.nobody.example.org", None),
        ] {
            LOOKED_UP.set(0);
            assert_eq!(patterns.find(name.as_bytes()).copied(), value, "{name}");
            assert!(
                LOOKED_UP.get() <= 2 * name.matches('.').count(),
                "{name}: {}",
                LOOKED_UP.get()
            );
        }
        // A client's thousands of labels are not worth a look each.
        LOOKED_UP.set(0);
        assert_eq!(patterns.find(&b"a.".repeat(4000)), None);
        assert!(LOOKED_UP.get() < 40, "{}", LOOKED_UP.get());
    }
}
