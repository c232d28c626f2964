//! Elements and attributes.

use std::fmt::{Display, Write};

/// Writes a document.
pub(super) struct Xml {
    out: String,
    depth: usize,
}

/// An element whose attributes are being written.
pub(super) struct Element<'x> {
    xml: &'x mut Xml,
    name: &'static str,
}

impl Xml {
    pub(super) fn new() -> Xml {
        let out = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".to_owned();
        Xml { out, depth: 0 }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    pub(super) fn element(&mut self, name: &'static str) -> Element<'_> {
        // A string takes what is written.
        let _ = write!(self.out, "{:1$}<{name}", "", 2 * self.depth);
        Element { xml: self, name }
    }
}

impl Element<'_> {
    /// An attribute of which nothing needs to be encoded.
    pub(super) fn is(self, name: &str, value: impl Display) -> Self {
        let _ = write!(self.xml.out, " {name}=\"{value}\"");
        self
    }

    /// The same if there is a value.
    pub(super) fn may(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.is(name, value),
            None => self,
        }
    }

    /// An attribute with any text. What XML has no way to write is left out.
    pub(super) fn text(self, name: &str, value: &str) -> Self {
        let out = &mut self.xml.out;
        let _ = write!(out, " {name}=\"");
        for character in value.chars() {
            match character {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\t' | '\n' | '\r' => {
                    let _ = write!(out, "&#{};", u32::from(character));
                }
                '\0'..' ' | '\u{fffe}' | '\u{ffff}' => {}
                other => out.push(other),
            }
        }
        out.push('"');
        self
    }

    /// Ends it without content.
    pub(super) fn empty(self) {
        self.xml.out.push_str("/>\n");
    }

    /// Ends it around what is written.
    pub(super) fn around(self, content: impl FnOnce(&mut Xml)) {
        let Element { xml, name } = self;
        xml.out.push_str(">\n");
        xml.depth += 1;
        content(xml);
        xml.depth -= 1;
        let _ = writeln!(xml.out, "{:1$}</{name}>", "", 2 * xml.depth);
    }
}
