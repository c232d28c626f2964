//! Domain names (RFC 1035 §2.3.4, §3.1).

use std::fmt;
use std::rc::Rc;

/// Bytes of a name as text, without the dot at its end, and of a label.
const LONGEST: usize = 253;
const LONGEST_LABEL: usize = 63;

/// A domain name: in lower case, without the dot at its end, its labels of the lengths that they may have. The root is
/// none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(Rc<str>);

impl Name {
    /// Reads a name. `None`: it is none that anything could be asked about.
    pub fn new(text: &str) -> Option<Name> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let fits = |label: &str| (1..=LONGEST_LABEL).contains(&label.len());
        let is_text = |byte: u8| byte > b' ' && byte != 0x7f;
        let is_name =
            text.len() <= LONGEST && text.split('.').all(fits) && text.bytes().all(is_text);
        is_name.then(|| Name(text.to_ascii_lowercase().into()))
    }

    /// The name under which a service of it is known (RFC 2782): `http` is `_http._tcp.NAME`; what has a dot, or begins with
    /// `_`, stands before the name as it is.
    pub fn of_service(service: &str, name: &str) -> Option<Name> {
        let name = Name::new(name)?;
        match service.contains('.') || service.starts_with('_') {
            true => Name::new(&format!("{service}.{name}")),
            false => Name::new(&format!("_{service}._tcp.{name}")),
        }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its labels, the first one first.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_labels_of_their_lengths() {
        let name = |text: &str| Name::new(text).map(|name| name.to_string());
        assert_eq!(name("WWW.Example.com.").as_deref(), Some("www.example.com"));
        assert_eq!(name("localhost").as_deref(), Some("localhost"));
        assert_eq!(name("_http._tcp.bücher").as_deref(), Some("_http._tcp.bücher"));
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        assert_eq!(longest.len(), 253);
        assert_eq!(name(&format!("{longest}.")).as_deref(), Some(&*longest));
        for bad in ["", ".", "..", "a..b", ".a", "a..", "a b", "a\0", "a\x7f", "\u{1}.example"] {
            assert_eq!(name(bad), None, "{bad:?}");
        }
        assert_eq!(name(&format!("{label}a")), None);
        assert_eq!(name(&format!("{longest}b")), None);
    }

    #[test]
    fn services_have_names_of_their_own() {
        let name = |service: &str| Name::of_service(service, "Example.com.").map(|n| n.to_string());
        assert_eq!(name("http").as_deref(), Some("_http._tcp.example.com"));
        assert_eq!(name("_sip._udp").as_deref(), Some("_sip._udp.example.com"));
        assert_eq!(name("_any").as_deref(), Some("_any.example.com"));
        assert_eq!(name("server1.backend").as_deref(), Some("server1.backend.example.com"));
        assert_eq!(name(&"x".repeat(63)), None);
        assert_eq!(Name::of_service("http", ""), None);
    }
}
