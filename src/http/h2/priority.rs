//! How urgent an answer is (RFC 9218).

/// What a client, or the answer itself, says of how urgent it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    /// 0 (most) to 7.
    pub urgency: u8,
    /// Parts of it are of use.
    pub incremental: bool,
}

impl Default for Priority {
    /// Nobody has said anything: as urgent as RFC 9218 §4.1 has it, and shared, as with servers that know no urgency.
    fn default() -> Priority {
        Priority { urgency: 3, incremental: true }
    }
}

impl Priority {
    /// Reads a field's value (RFC 9218 §4): a dictionary of which two members are known, and the rest is passed over.
    pub fn parse(value: &[u8]) -> Priority {
        let mut priority = Priority { urgency: 3, incremental: false };
        for member in value.split(|&byte| byte == b',') {
            let member = member.split(|&byte| byte == b';').next().unwrap_or_default();
            match member.trim_ascii() {
                [b'u', b'=', digit @ b'0'..=b'7'] => priority.urgency = digit - b'0',
                b"i" | b"i=?1" => priority.incremental = true,
                b"i=?0" => priority.incremental = false,
                _ => {}
            }
        }
        priority
    }

    /// What it becomes with what the answer says of itself (RFC 9218 §8): only that is changed.
    pub fn overridden(self, value: &[u8]) -> Priority {
        let said = Priority::parse(value);
        let says = |name: u8| {
            value
                .split(|&byte| byte == b',')
                .any(|member| member.trim_ascii().first() == Some(&name))
        };
        Priority {
            urgency: if says(b'u') { said.urgency } else { self.urgency },
            incremental: if says(b'i') { said.incremental } else { self.incremental },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9218 §4, RFC 8941
    #[test]
    fn words_are_read() {
        let priority = |urgency, incremental| Priority { urgency, incremental };
        for (value, wanted) in [
            ("u=5", priority(5, false)),
            ("u=0, i", priority(0, true)),
            ("i;x=1,u=2", priority(2, true)),
            ("i=?0", priority(3, false)),
            ("u=8", priority(3, false)),
            ("u=-1, foo=\"a\"", priority(3, false)),
            ("", priority(3, false)),
        ] {
            assert_eq!(Priority::parse(value.as_bytes()), wanted, "{value}");
        }
        assert_eq!(priority(1, true).overridden(b"u=4"), priority(4, true));
        assert_eq!(priority(1, false).overridden(b"i"), priority(1, true));
    }
}
