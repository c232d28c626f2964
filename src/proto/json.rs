//! JSON (RFC 8259), as far as it is written here.

/// Appends a string. Bytes that are not UTF-8 become U+FFFD.
pub fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                b'\n' => out.extend_from_slice(b"\\n"),
                0..=0x1f | 0x7f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                byte => out.push(byte),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    #[test]
    fn strings_are_escaped() {
        let shown = |bytes: &[u8]| {
            let mut out = Vec::new();
            super::string(&mut out, bytes);
            String::from_utf8(out).expect("UTF-8")
        };
        assert_eq!(shown(b"a\"b\\c\n\t\x01"), r#""a\"b\\c\n\u0009\u0001""#);
        assert_eq!(shown("grün".as_bytes()), "\"grün\"");
        assert_eq!(shown(b"a\xff"), "\"a\u{FFFD}\"");
    }
}
