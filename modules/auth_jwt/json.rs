//! JSON (RFC 8259) in which no name stands twice: of two claims of one name, one reader takes the first and another the
//! last, and who checks would not see what who uses it sees.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// An object.
pub type Object = Map<String, Value>;

/// Reads an object, and nothing behind it.
pub fn object(text: &[u8]) -> Option<Object> {
    match serde_json::from_slice(text) {
        Ok(Strict(Value::Object(object))) => Some(object),
        _ => None,
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Strict, D::Error> {
        from.deserialize_any(Reader).map(Strict)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(value)) = from.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some((name, Strict(value))) = from.next_entry::<String, Strict>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

/// Appends a value as a variable shows it: a string as it is, of a list its elements, all else as JSON.
pub fn show(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::String(text) => out.extend_from_slice(text.as_bytes()),
        Value::Array(list) => {
            for (n, value) in list.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                show(value, out);
            }
        }
        Value::Null => {}
        value => out.extend_from_slice(value.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once() {
        let text = br#" {"a":[1,-2,0.5,"x\u0000",null,true,{"b":{}}],"b":{"a":1}} "#;
        let read = object(text).expect("an object");
        assert_eq!(Value::Object(read).to_string(), String::from_utf8_lossy(text).trim());
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        for wrong in [
            "",
            "1",
            "[]",
            "{",
            "{}{}",
            "{} x",
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
            r#"{"a":1,"\u0061":2}"#,
            "{\"a\":NaN}",
            &deep,
        ] {
            assert_eq!(object(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}"), None);
    }
}
