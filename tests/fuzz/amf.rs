//! AMF values and commands.

use proto::rtmp::amf::{Decoder, Error, VALUES, Value};
use proto::rtmp::command::Command;
use proto::rtmp::message::{COMMAND, COMMAND_AMF3};

/// Values are within bounds, and written they are read as they were.
pub fn amf(data: &[u8]) {
    if let Ok(values) = read(data) {
        again(&values);
    }
    let _ = read(&[&[0x11], data].concat());
    for kind in [COMMAND, COMMAND_AMF3] {
        if let Ok(command) = Command::parse(kind, data) {
            let (mut out, mut same) = (Vec::new(), Vec::new());
            command.encode(&mut out);
            let again = Command::parse(COMMAND, &out).expect("a command");
            again.encode(&mut same);
            assert_eq!(out, same, "{command:?}");
        }
    }
}

fn read(data: &[u8]) -> Result<Vec<Value<'_>>, Error> {
    let (mut decoder, mut values) = (Decoder::new(data), Vec::new());
    while let Some(value) = decoder.next()? {
        values.push(value);
    }
    assert!(values.iter().map(count).sum::<usize>() <= VALUES);
    Ok(values)
}

fn count(value: &Value<'_>) -> usize {
    1 + match value {
        Value::Object(members) | Value::EcmaArray(members) | Value::Typed(_, members) => {
            members.iter().map(|(_, value)| count(value)).sum()
        }
        Value::StrictArray(values) => values.iter().map(count).sum(),
        _ => 0,
    }
}

/// Bytes are compared: a number may be none, and is not equal to itself then.
fn again(values: &[Value<'_>]) {
    let (mut out, mut same) = (Vec::new(), Vec::new());
    values.iter().for_each(|value| value.encode(&mut out));
    let found = read(&out).unwrap_or_else(|error| panic!("{error}: {values:?}"));
    found.iter().for_each(|value| value.encode(&mut same));
    assert_eq!(out, same, "{values:?}");
}
