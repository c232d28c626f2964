//! Why there are no addresses, in nginx's words.

use std::fmt;

/// Why nothing was found. Shown, it is `3: Host not found`, as it stands in nginx's messages: `NAME could not be resolved
/// (3: Host not found)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server did not understand the question.
    Format,
    /// The server could not find it out; or names lead to names, and to no end.
    Server,
    /// There is no such name, or it has nothing of what was asked for.
    NotFound,
    /// The server does not know such questions.
    Unimplemented,
    /// The server does not answer us.
    Refused,
    /// Nobody has answered in time.
    TimedOut,
    /// Another code of a server's (RFC 6895 §2.3).
    Other(u16),
}

/// As of an error of the system's: `ETIMEDOUT`.
const TIMED_OUT: u16 = 110;

impl Failure {
    /// Whether it is so for as long as the DNS is not changed. Of any other, another try may tell more, and what was known
    /// before may be true still.
    pub fn is_final(self) -> bool {
        self == Failure::NotFound
    }

    /// Its number: that of a DNS answer, or 110.
    pub fn code(self) -> u16 {
        match self {
            Failure::Format => 1,
            Failure::Server => 2,
            Failure::NotFound => 3,
            Failure::Unimplemented => 4,
            Failure::Refused => 5,
            Failure::TimedOut => TIMED_OUT,
            Failure::Other(code) => code,
        }
    }

    /// The one of a number.
    pub fn of_code(code: u16) -> Failure {
        match code {
            1 => Failure::Format,
            2 => Failure::Server,
            3 => Failure::NotFound,
            4 => Failure::Unimplemented,
            5 => Failure::Refused,
            TIMED_OUT => Failure::TimedOut,
            code => Failure::Other(code),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Failure::Format => "Format error",
            Failure::Server => "Server failure",
            Failure::NotFound => "Host not found",
            Failure::Unimplemented => "Unimplemented",
            Failure::Refused => "Operation refused",
            Failure::TimedOut => "Operation timed out",
            Failure::Other(_) => "Unknown error",
        };
        write!(f, "{}: {text}", self.code())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_are_nginxs() {
        let words = [1, 2, 3, 4, 5, 9, 110].map(|code| Failure::of_code(code).to_string());
        assert_eq!(
            words,
            [
                "1: Format error",
                "2: Server failure",
                "3: Host not found",
                "4: Unimplemented",
                "5: Operation refused",
                "9: Unknown error",
                "110: Operation timed out",
            ]
        );
        assert!((0..200).all(|code| Failure::of_code(code).code() == code));
        assert!((0..200).filter(|&code| Failure::of_code(code).is_final()).eq([3]));
    }
}
