//! What a message may hold.

/// A value. Names and strings are UTF-8 if the sender keeps to the rules; nothing here relies on it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// A number; every integer is one, too.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// A string, long or short.
    String(&'a [u8]),
    /// Named values, in their order.
    Object(Vec<(&'a [u8], Value<'a>)>),
    /// Nothing.
    Null,
    /// Not even nothing.
    Undefined,
    /// An array by names.
    EcmaArray(Vec<(&'a [u8], Value<'a>)>),
    /// An array by numbers.
    StrictArray(Vec<Value<'a>>),
    /// Milliseconds since 1970, UTC. The time zone is not kept: it is always 0.
    Date(f64),
    /// An XML document.
    Xml(&'a [u8]),
    /// An object of a class.
    Typed(&'a [u8], Vec<(&'a [u8], Value<'a>)>),
    /// The same object as an earlier one of the message. It is not looked up.
    Reference(u16),
    /// What the sender could not write.
    Unsupported,
}

impl<'a> Value<'a> {
    /// The member of that name; the last one, if there are several.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        let members = match self {
            Value::Object(members) | Value::EcmaArray(members) | Value::Typed(_, members) => {
                members
            }
            _ => return None,
        };
        let (_, value) = members.iter().rev().find(|(key, _)| *key == name.as_bytes())?;
        Some(value)
    }

    /// The bytes of a string.
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        match self {
            Value::String(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A string that is UTF-8.
    pub fn as_str(&self) -> Option<&'a str> {
        std::str::from_utf8(self.as_bytes()?).ok()
    }

    /// A number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Value::Number(number)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Value::Boolean(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::String(text.as_bytes())
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Value::String(bytes)
    }
}
