//! SSI: commands in texts, words and expressions in commands.

use ssi::parse::{Found, MOST_PARAMETERS, Parser};
use ssi::words;

/// Commands are the same whole and in pieces; no value is longer than allowed; words and expressions are read or refused.
pub fn ssi(data: &[u8]) {
    let whole = read(data, data.len().max(1));
    for piece in [1, 3, 7] {
        assert_eq!(read(data, piece), whole, "in pieces of {piece}");
    }
    let _ = words::parts(data);
    let _ = words::expression(data);
}

const LONGEST: usize = 100;

/// What was found, one thing behind the other.
fn read(data: &[u8], piece: usize) -> Vec<u8> {
    let (mut parser, mut text) = (Parser::new(LONGEST), Vec::new());
    for part in data.chunks(piece) {
        let mut at = 0;
        loop {
            match parser.find(part, &mut at, &mut text) {
                Found::End => break,
                Found::Command(command) => {
                    assert!(command.parameters.len() <= MOST_PARAMETERS + 1);
                    for (_, value) in &command.parameters {
                        assert!(value.len() <= LONGEST);
                        let _ = words::parts(value);
                        let _ = words::expression(value);
                    }
                    command.write(&mut text);
                }
                Found::Fault(why) => text.extend_from_slice(why.as_bytes()),
            }
        }
        assert_eq!(at, part.len());
    }
    text
}
