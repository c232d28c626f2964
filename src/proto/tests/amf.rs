//! AMF values and commands: bytes as encoders send them, bounds, round trips.

use proptest::prelude::*;
use proto::rtmp::amf::{self, DEPTH, Decoder, Error, VALUES, Value};
use proto::rtmp::command::{self, Command};
use proto::rtmp::message::{COMMAND, COMMAND_AMF3};

fn all(input: &[u8]) -> Result<Vec<Value<'_>>, Error> {
    let (mut decoder, mut values) = (Decoder::new(input), Vec::new());
    while let Some(value) = decoder.next()? {
        values.push(value);
    }
    Ok(values)
}

fn one(input: &[u8]) -> Value<'_> {
    let mut values = all(input).unwrap_or_else(|error| panic!("{error}: {input:?}"));
    assert_eq!(values.len(), 1, "{input:?}");
    values.remove(0)
}

fn text(text: &str) -> Value<'_> {
    text.into()
}

fn members<'a>(members: &[(&'a str, Value<'a>)]) -> Vec<(&'a [u8], Value<'a>)> {
    members.iter().map(|(name, value)| (name.as_bytes(), value.clone())).collect()
}

#[test]
fn simple_values() {
    assert_eq!(one(b"\x00\x40\x45\x00\x00\x00\x00\x00\x00"), Value::Number(42.0));
    assert_eq!(one(&[1, 0]), Value::Boolean(false));
    assert_eq!(one(&[1, 7]), Value::Boolean(true));
    assert_eq!(one(b"\x02\x00\x04live"), text("live"));
    assert_eq!(one(b"\x0c\x00\x00\x00\x04live"), text("live"));
    assert_eq!(one(&[5]), Value::Null);
    assert_eq!(one(&[6]), Value::Undefined);
    assert_eq!(one(&[7, 1, 2]), Value::Reference(0x102));
    assert_eq!(one(&[0x0D]), Value::Unsupported);
    assert_eq!(one(b"\x0b\x40\x45\x00\x00\x00\x00\x00\x00\x00\x3c"), Value::Date(42.0));
    assert_eq!(one(b"\x0f\x00\x00\x00\x03<a>"), Value::Xml(b"<a>"));
    assert_eq!(
        one(b"\x0a\x00\x00\x00\x02\x05\x06"),
        Value::StrictArray(vec![Value::Null, Value::Undefined])
    );
    let named = members(&[("a", Value::Null), ("", Value::Boolean(true))]);
    assert_eq!(one(b"\x03\x00\x01a\x05\x00\x00\x01\x01\x00\x00\x09"), Value::Object(named.clone()));
    assert_eq!(
        one(b"\x10\x00\x01C\x00\x01a\x05\x00\x00\x01\x01\x00\x00\x09"),
        Value::Typed(b"C", named)
    );
    for unknown in [4, 9, 0x0E, 0x12, 0xFF] {
        assert_eq!(all(&[unknown, 0, 0]), Err(Error::Malformed));
    }
}

#[test]
fn arrays_with_a_wrong_count_or_no_end() {
    let expected = Value::EcmaArray(members(&[("a", Value::Null), ("b", Value::Null)]));
    for count in [0u32, 1, 2, 3, u32::MAX] {
        for end in [&[0, 0, 9][..], &[]] {
            let input =
                [&[8][..], &count.to_be_bytes(), b"\x00\x01a\x05\x00\x01b\x05", end].concat();
            assert_eq!(one(&input), expected);
        }
    }
    assert_eq!(one(&[8, 0, 0, 0, 0]), Value::EcmaArray(vec![]));
    // An object has to have its end.
    assert_eq!(all(b"\x03\x00\x01a\x05"), Err(Error::Truncated));
    // A count alone takes no memory.
    assert_eq!(all(&[0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 5]), Err(Error::Truncated));
}

#[test]
fn bounds() {
    let nested = |depth: usize| {
        let mut input = b"\x03\x00\x01a".repeat(depth);
        input.push(5);
        input.extend(b"\x00\x00\x09".repeat(depth));
        input
    };
    assert!(all(&nested(DEPTH)).is_ok());
    assert_eq!(all(&nested(DEPTH + 1)), Err(Error::TooDeep));
    for open in [&b"\x03\x00\x00"[..], b"\x08\0\0\0\0\0\0", b"\x0a\0\0\0\x01", b"\x10\0\0\0\0"] {
        assert_eq!(all(&open.repeat(100_000)).map(drop), Err(Error::TooDeep), "{open:?}");
    }
    // Inside AMF3 only.
    let deep = [&[0x11][..], &b"\x09\x03\x01".repeat(100_000)].concat();
    assert_eq!(all(&deep), Err(Error::TooDeep));
    assert_eq!(all(&[5; VALUES]).map(|values| values.len()), Ok(VALUES));
    assert_eq!(all(&[5; VALUES + 1]), Err(Error::TooMany));
    let array = [&[0x0A, 0, 1, 0, 0][..], &[5; 65536]].concat();
    assert_eq!(all(&array), Err(Error::TooMany));
    // After an error nothing comes.
    let mut decoder = Decoder::new(b"\xff\x05");
    assert_eq!(decoder.next(), Err(Error::Malformed));
    assert_eq!(decoder.next(), Ok(None));
}

#[test]
fn amf3() {
    let of = |input: &'static [u8]| one(input);
    assert_eq!(of(&[0x11, 0]), Value::Undefined);
    assert_eq!(of(&[0x11, 1]), Value::Null);
    assert_eq!(of(&[0x11, 2]), Value::Boolean(false));
    assert_eq!(of(&[0x11, 3]), Value::Boolean(true));
    assert_eq!(of(&[0x11, 4, 0x7F]), Value::Number(127.0));
    assert_eq!(of(&[0x11, 4, 0x81, 0x00]), Value::Number(128.0));
    assert_eq!(of(&[0x11, 4, 0xFF, 0xFF, 0x7F]), Value::Number(2_097_151.0));
    assert_eq!(of(&[0x11, 4, 0xFF, 0xFF, 0xFF, 0xFF]), Value::Number(-1.0));
    assert_eq!(of(&[0x11, 4, 0xC0, 0x80, 0x80, 0x00]), Value::Number(-268_435_456.0));
    assert_eq!(of(b"\x11\x05\x40\x45\0\0\0\0\0\0"), Value::Number(42.0));
    assert_eq!(of(b"\x11\x06\x09live"), text("live"));
    assert_eq!(of(b"\x11\x08\x01\x40\x45\0\0\0\0\0\0"), Value::Date(42.0));
    assert_eq!(of(b"\x11\x0b\x07<a>"), Value::Xml(b"<a>"));
    assert_eq!(of(b"\x11\x0c\x07abc"), text("abc"));
    assert_eq!(of(&[0x11, 0x0A, 2]), Value::Reference(1));
    // A strict array whose second string names the first.
    assert_eq!(
        of(b"\x11\x09\x05\x01\x06\x03a\x06\x00"),
        Value::StrictArray(vec![text("a"), text("a")])
    );
    // An anonymous dynamic object; then one of a class, and another with the same traits.
    let expected = Value::Object(members(&[("a", Value::Number(1.0)), ("b", Value::Null)]));
    assert_eq!(of(b"\x11\x0a\x0b\x01\x03a\x04\x01\x03b\x01\x01"), expected);
    let point =
        |x, y| Value::Typed(b"P", members(&[("x", Value::Number(x)), ("y", Value::Number(y))]));
    let points = b"\x11\x09\x05\x01\x0a\x23\x03P\x03x\x03y\x04\x01\x04\x02\x0a\x01\x04\x03\x04\x04";
    assert_eq!(one(points), Value::StrictArray(vec![point(1.0, 2.0), point(3.0, 4.0)]));
    // What names what is not there, and what writes itself.
    for bad in [
        &b"\x11\x06\x02"[..],
        b"\x11\x0a\x05",
        b"\x11\x0a\x07\x03E",
        b"\x11\x0d\x01",
        b"\x11\x11\x01",
    ] {
        assert_eq!(all(bad), Err(Error::Malformed), "{bad:?}");
    }
}

/// What ffmpeg sends first.
#[test]
fn a_connect() {
    let mut out = Vec::new();
    amf::string(&mut out, b"connect");
    amf::number(&mut out, 1.0);
    amf::object(
        &mut out,
        &[("app", text("live")), ("type", text("nonprivate")), ("fpad", false.into())],
    );
    let expected = b"\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00\x03\
        \x00\x03app\x02\x00\x04live\x00\x04type\x02\x00\x0anonprivate\x00\x04fpad\x01\x00\x00\x00\x09";
    assert_eq!(out, expected);
    let command = Command::parse(COMMAND, &out).unwrap();
    assert_eq!(
        (command.name, command.transaction, command.arguments.len()),
        (&b"connect"[..], 1.0, 1)
    );
    let object = &command.arguments[0];
    assert_eq!(object.get("app").and_then(Value::as_str), Some("live"));
    assert_eq!(object.get("fpad").and_then(Value::as_bool), Some(false));
    assert_eq!(object.get("app").and_then(Value::as_f64), None);
    assert_eq!(object.get("none"), None);
    let mut again = Vec::new();
    command.encode(&mut again);
    assert_eq!(again, expected);
    // Kind 17, with and without the byte before.
    assert_eq!(Command::parse(COMMAND_AMF3, &[&[0], &out[..]].concat()), Ok(command.clone()));
    assert_eq!(Command::parse(COMMAND_AMF3, &out), Ok(command));
    assert_eq!(Command::parse(COMMAND, &[&[0], &out[..]].concat()), Err(Error::Malformed));
}

#[test]
fn odd_commands() {
    let parse = |input| Command::parse(COMMAND, input);
    let close = Command { name: b"close", transaction: 0.0, arguments: vec![] };
    assert_eq!(parse(b"\x02\x00\x05close"), Ok(close));
    assert_eq!(parse(b""), Err(Error::Truncated));
    assert_eq!(parse(b"\x05"), Err(Error::Malformed));
    assert_eq!(parse(b"\x02\x00\x01a\x05"), Err(Error::Malformed));
    assert_eq!(parse(b"\x02\x00\x09a"), Err(Error::Truncated));
    let same = Value::Object(members(&[("a", Value::Null), ("a", Value::Undefined)]));
    assert_eq!(same.get("a"), Some(&Value::Undefined));
}

#[test]
fn long_strings() {
    for (len, kind) in [(65535, 2), (65536, 12)] {
        let (value, mut out) = ("x".repeat(len), Vec::new());
        text(&value).encode(&mut out);
        assert_eq!(out[0], kind);
        assert_eq!(one(&out), text(&value));
    }
    let (name, mut out) = ("x".repeat(70_000), Vec::new());
    amf::object(&mut out, &[(&name, Value::Null)]);
    assert_eq!(one(&out), Value::Object(members(&[(&name[..65535], Value::Null)])));
}

/// Proptest's values live as long as the test.
fn leaked() -> impl Strategy<Value = &'static [u8]> {
    prop::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| &*bytes.leak())
}

fn value() -> impl Strategy<Value = Value<'static>> {
    let number = any::<f64>().prop_filter("equal to itself", |number| !number.is_nan());
    let leaf = prop_oneof![
        number.clone().prop_map(Value::Number),
        any::<bool>().prop_map(Value::Boolean),
        leaked().prop_map(Value::String),
        Just(Value::Null),
        Just(Value::Undefined),
        number.prop_map(Value::Date),
        leaked().prop_map(Value::Xml),
        any::<u16>().prop_map(Value::Reference),
        Just(Value::Unsupported),
    ];
    leaf.prop_recursive(6, 60, 5, |inner| {
        let named = || prop::collection::vec((leaked(), inner.clone()), 0..5);
        prop_oneof![
            named().prop_map(Value::Object),
            named().prop_map(Value::EcmaArray),
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::StrictArray),
            (leaked(), named()).prop_map(|(class, named)| Value::Typed(class, named)),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(values in prop::collection::vec(value(), 0..6)) {
        let mut out = Vec::new();
        values.iter().for_each(|value| value.encode(&mut out));
        prop_assert_eq!(all(&out), Ok(values));
    }

    #[test]
    fn cut_short_it_is_an_error(value in value(), at: prop::sample::Index) {
        let mut out = Vec::new();
        value.encode(&mut out);
        let cut = &out[..at.index(out.len())];
        match all(cut) {
            Ok(values) if cut.is_empty() => prop_assert!(values.is_empty()),
            // Such an array may end with the message, be it the last in another.
            Ok(_) => {
                let shown = format!("{value:?}");
                prop_assert!(shown.contains("EcmaArray"));
            }
            Err(error) => prop_assert_eq!(error, Error::Truncated),
        }
    }

    #[test]
    fn commands_are_read(name: String, transaction in 0u32..9999, arguments in prop::collection::vec(value(), 0..4)) {
        let mut out = Vec::new();
        command::encode(&mut out, name.as_bytes(), transaction.into(), &arguments);
        let expected = Command { name: name.as_bytes(), transaction: transaction.into(), arguments };
        prop_assert_eq!(Command::parse(COMMAND, &out), Ok(expected));
    }

    #[test]
    fn nothing_panics(input: Vec<u8>) {
        let _ = all(&input);
        let _ = all(&[&[0x11], &input[..]].concat());
        let _ = Command::parse(COMMAND_AMF3, &input);
    }
}
