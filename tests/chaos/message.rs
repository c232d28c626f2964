//! What is published: who says it, its number, and where.

use std::fmt;

/// A message. Each publisher counts its own, over all channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Message {
    pub publisher: u32,
    pub number: u32,
    pub channel: u32,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Message { publisher, number, channel } = self;
        write!(f, "{{\"pub\":{publisher},\"n\":{number},\"channel\":{channel}}}")
    }
}

impl Message {
    /// What is posted: the message and as much filling as its number says, at most `filling` bytes.
    pub fn text(&self, filling: usize) -> String {
        let length = (self.number as usize).wrapping_mul(7919) % (filling + 1);
        format!("{self}{}", "x".repeat(length))
    }

    /// Reads what was posted; `None` if there is one byte more, less or other.
    pub fn parse(text: &str, filling: usize) -> Option<Message> {
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        let mut numbers = numbers.map(|part| part.parse().ok());
        let mut next = || numbers.next().flatten();
        let message = Message { publisher: next()?, number: next()?, channel: next()? };
        (message.text(filling) == text).then_some(message)
    }
}

#[test]
fn messages_are_read_as_written() {
    let message = Message { publisher: 3, number: 70, channel: 0 };
    let text = message.text(0);
    assert_eq!(text, r#"{"pub":3,"n":70,"channel":0}"#);
    assert_eq!(Message::parse(&text, 0), Some(message));
    for wrong in [&text[1..], &format!("{text}x"), &text.replace("70", "070"), ""] {
        assert_eq!(Message::parse(wrong, 0), None, "{wrong}");
    }
    let long = message.text(1000);
    assert!(long.len() > 300);
    assert_eq!(Message::parse(&long, 1000), Some(message));
    assert_eq!(Message::parse(&long[..long.len() - 1], 1000), None);
}
