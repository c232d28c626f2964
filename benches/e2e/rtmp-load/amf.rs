//! As much AMF0 as a client needs: commands are written, and looked into.

/// Appends a number.
pub fn number(out: &mut Vec<u8>, value: f64) {
    out.push(0);
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends a string.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(2);
    key(out, text);
}

/// Appends null.
pub fn null(out: &mut Vec<u8>) {
    out.push(5);
}

/// Appends an object with what `fields` appends, pairs of a key and a value.
pub fn object(out: &mut Vec<u8>, fields: impl FnOnce(&mut Vec<u8>)) {
    out.push(3);
    fields(out);
    out.extend_from_slice(&[0, 0, 9]);
}

/// Appends the name of an object's field.
pub fn key(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// The beginning of a command: its name and the number of its transaction.
pub fn command(name: &str, transaction: f64) -> Vec<u8> {
    let mut out = Vec::new();
    string(&mut out, name);
    number(&mut out, transaction);
    out
}

/// The string that the bytes begin with, and what follows.
pub fn read_string(bytes: &[u8]) -> Option<(&str, &[u8])> {
    read_key(bytes.strip_prefix(&[2])?)
}

/// The number that the bytes begin with, and what follows.
pub fn read_number(bytes: &[u8]) -> Option<(f64, &[u8])> {
    let (value, rest) = bytes.strip_prefix(&[0])?.split_first_chunk()?;
    Some((f64::from_be_bytes(*value), rest))
}

/// The text of the field `code` in whatever object is in there.
pub fn code(bytes: &[u8]) -> Option<&str> {
    let place = bytes.windows(6).position(|part| part == b"\0\x04code")?;
    Some(read_string(&bytes[place + 6..])?.0)
}

fn read_key(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[test]
fn a_command_is_read_as_it_was_written() {
    let mut bytes = command("onStatus", 7.0);
    null(&mut bytes);
    object(&mut bytes, |out| {
        key(out, "code");
        string(out, "NetStream.Play.Start");
    });
    let (name, rest) = read_string(&bytes).expect("a name");
    let (transaction, rest) = read_number(rest).expect("a number");
    assert_eq!((name, transaction, code(rest)), ("onStatus", 7.0, Some("NetStream.Play.Start")));
    for cut in 0..bytes.len() {
        read_string(&bytes[..cut]).and_then(|(_, rest)| read_number(rest));
        assert_eq!(code(&bytes[..cut.min(bytes.len() - 4)]), None);
    }
}
