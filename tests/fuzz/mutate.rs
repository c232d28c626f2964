//! Mutations of inputs, the same for the same seed.

use fastrand::Rng;

/// What parsers of all targets take for something special.
const TOKENS: [&[u8]; 62] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\r\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b"\0",
    b"\x7f",
    b"\xff",
    b"\xc3\xa9",
    b":",
    b": ",
    b",",
    b";",
    b"-",
    b"_",
    b"=",
    b"/",
    b"//",
    b"/../",
    b"/./",
    b"%2e",
    b"%00",
    b"%",
    b"?",
    b"#",
    b"{",
    b"}",
    b"\"",
    b"'",
    b"\\",
    b"$",
    b"${",
    b"[",
    b"]",
    b"0",
    b"1",
    b"00",
    b"ffffffff",
    b"7fffffffffffffff",
    b"9223372036854775807",
    b"18446744073709551616",
    b"bytes=",
    b"0-",
    b"-1",
    b"GET ",
    b" HTTP/1.1",
    b" HTTP/1.0",
    b"http://",
    b"Host: a\r\n",
    b"Content-Length: 1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"chunked",
    b"include ",
    b"server { listen 80; }",
    b"data:",
    b"event: ",
    b"id: a-1\n",
    b"retry: 1\n",
    b"\n\n",
    b"\xef\xbb\xbf",
];

/// A mutated input grows no longer than this.
const LONGEST: usize = 4096;

/// One of the corpus entries, mutated a few times.
pub fn mutate(corpus: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut random = Rng::with_seed(seed);
    let mut input = random.choice(corpus).cloned().unwrap_or_default();
    for _ in 0..=random.usize(..6) {
        edit(&mut input, corpus, &mut random);
    }
    input.truncate(LONGEST);
    input
}

fn edit(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Rng) {
    let at = random.usize(..=input.len());
    let end = input.len().min(at + 1 + random.usize(..8));
    match random.usize(..8) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.usize(..8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = random.u8(..);
            }
        }
        2 => drop(input.drain(at..end)),
        3 => input.truncate(at),
        4 => {
            let part = input[at..end].to_vec();
            let to = random.usize(..=input.len());
            input.splice(to..to, part.repeat(1 + random.usize(..40)));
        }
        5 => {
            // The rest of another entry.
            let other = random.choice(corpus).map_or(&[][..], Vec::as_slice);
            let from = random.usize(..=other.len());
            input.splice(at.., other[from..].iter().copied());
        }
        6 => insert(input, at, end, random),
        _ => insert(input, at, at, random),
    }
}

/// Puts a token in the place of `input[at..end]`.
fn insert(input: &mut Vec<u8>, at: usize, end: usize, random: &mut Rng) {
    let token = TOKENS[random.usize(..TOKENS.len())];
    input.splice(at..end, token.iter().copied());
}
