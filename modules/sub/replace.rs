//! Texts are found and replaced in a stream of bytes: of those that match, the one that begins first, and of those the one
//! that is written first.
//!
//! What could be the beginning of a text is held back. A match is taken when nothing that may still come can make
//! another one of it: the longest text, from where it begins, is there.

use std::rc::Rc;

use aho_corasick::{AhoCorasick, MatchKind};
use http::{Coder, Error};
use mem::Str;

/// So much may come of what is taken at once.
const MADE: u64 = 64 << 10;

/// What is looked for.
#[derive(Debug)]
pub struct Texts {
    all: Vec<Vec<u8>>,
    /// Of each text, and of each length of its beginning: how much of its end is a beginning, too (Knuth, Morris, Pratt).
    borders: Vec<Vec<usize>>,
    finder: AhoCorasick,
    longest: usize,
    shortest: usize,
}

impl Texts {
    /// None of them may be empty.
    pub fn new<'t>(texts: impl Iterator<Item = &'t [u8]>) -> Result<Texts, String> {
        let all: Vec<Vec<u8>> = texts.map(<[u8]>::to_ascii_lowercase).collect();
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::LeftmostFirst).ascii_case_insensitive(true);
        let finder = builder.build(&all).map_err(|error| error.to_string())?;
        let longest = all.iter().map(Vec::len).max().unwrap_or(1).max(1);
        let shortest = all.iter().map(Vec::len).min().unwrap_or(1).max(1);
        let borders = all.iter().map(|text| borders(text)).collect();
        Ok(Texts { all, borders, finder, longest, shortest })
    }

    /// Where a text may have begun that goes on behind the end; the end, if none has.
    fn open(&self, bytes: &[u8]) -> usize {
        let end = |(text, borders): (&Vec<u8>, &Vec<usize>)| {
            let mut begun = 0;
            for byte in &bytes[(bytes.len() + 1).saturating_sub(text.len())..] {
                while begun > 0 && !text[begun].eq_ignore_ascii_case(byte) {
                    begun = borders[begun - 1];
                }
                begun += usize::from(text[begun].eq_ignore_ascii_case(byte));
            }
            begun
        };
        let begun = self.all.iter().zip(&self.borders).map(end).max();
        bytes.len() - begun.unwrap_or(0)
    }

    /// The text with which these bytes begin, and its length, if it is written before all that go on behind the end.
    fn before_open(&self, bytes: &[u8]) -> Option<(usize, usize)> {
        let part = |text: &[u8], len: usize| text[..len].eq_ignore_ascii_case(&bytes[..len]);
        let begins = |text: &&Vec<u8>| part(text, text.len().min(bytes.len()));
        let (index, text) = self.all.iter().enumerate().find(|(_, text)| begins(text))?;
        (text.len() <= bytes.len()).then_some((index, text.len()))
    }
}

/// In time that grows with the text alone.
fn borders(text: &[u8]) -> Vec<usize> {
    let (mut borders, mut begun) = (vec![0; text.len()], 0);
    for at in 1..text.len() {
        while begun > 0 && text[begun] != text[at] {
            begun = borders[begun - 1];
        }
        begun += usize::from(text[begun] == text[at]);
        borders[at] = begun;
    }
    borders
}

/// Replaces texts.
pub struct Replacer {
    /// Those that are still looked for; `None`: none.
    texts: Option<Rc<Texts>>,
    /// What replaces them, in the same order.
    by: Vec<Str>,
    once: bool,
    /// What is not decided.
    held: Vec<u8>,
    made: Vec<u8>,
}

impl Replacer {
    /// One for a body; `once`: each text only where it stands first.
    pub fn new(texts: Rc<Texts>, by: Vec<Str>, once: bool) -> Replacer {
        Replacer { texts: Some(texts), by, once, held: Vec::new(), made: Vec::new() }
    }

    /// How long a body of so many bytes may become.
    pub fn most(&self, len: u64) -> u64 {
        let longest = self.by.iter().map(|by| by.len() as u64).max().unwrap_or(0);
        let times = match (self.once, &self.texts) {
            (_, None) => 0,
            (true, Some(_)) => self.by.len() as u64,
            (false, Some(texts)) => len / texts.shortest as u64,
        };
        len.saturating_add(longest.saturating_mul(times))
    }

    /// Replaces all that begins before `end`, which is decided, and gives what is before that.
    fn replace(&mut self, end: usize) -> Result<(), Error> {
        let mut at = 0;
        while let Some(texts) = &self.texts
            && let Some(found) = texts.finder.find(&self.held[at..])
            && at + found.start() < end
        {
            self.made.extend_from_slice(&self.held[at..at + found.start()]);
            let index = found.pattern().as_usize();
            self.made.extend_from_slice(&self.by[index]);
            at += found.end();
            if self.once {
                self.forget(index)?;
            }
        }
        let end = end.max(at);
        self.made.extend_from_slice(&self.held[at..end]);
        self.held.drain(..end);
        Ok(())
    }

    /// One of the texts is not looked for any more.
    fn forget(&mut self, index: usize) -> Result<(), Error> {
        let Some(texts) = self.texts.take() else { return Ok(()) };
        self.by.remove(index);
        let others = texts.all.iter().enumerate().filter(|(other, _)| *other != index);
        if texts.all.len() > 1 {
            let others = Texts::new(others.map(|(_, text)| &text[..])).map_err(Error::invalid)?;
            self.texts = Some(Rc::new(others));
        }
        Ok(())
    }
}

impl Coder for Replacer {
    const READ: usize = 32 << 10;

    fn take(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some(texts) = &self.texts else {
            self.made.append(&mut self.held);
            self.made.extend_from_slice(bytes);
            return Ok(bytes.len());
        };
        let longest = texts.longest;
        // Of a byte a long text may come: no more is taken than makes a piece or two.
        let taken = match self.most(bytes.len() as u64) {
            most if most > MADE => (bytes.len() as u64 * MADE / most) as usize,
            _ => bytes.len(),
        };
        let taken = taken.clamp(1, bytes.len());
        self.held.extend_from_slice(&bytes[..taken]);
        // Each byte is looked at twice, however small the pieces are.
        if self.held.len() >= 2 * longest {
            self.replace(self.held.len() + 1 - longest)?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> Result<(), Error> {
        loop {
            let end = self.texts.as_ref().map_or(self.held.len(), |texts| texts.open(&self.held));
            if end == 0 {
                return Ok(());
            }
            self.replace(end)?;
        }
    }

    /// As nginx: what may have been the beginning of a text stays as it is, also if another text stands in it.
    fn finish(&mut self) -> Result<(), Error> {
        self.flush()?;
        while let Some(texts) = &self.texts
            && texts.open(&self.held) == 0
            && let Some((index, len)) = texts.before_open(&self.held)
        {
            self.made.extend_from_slice(&self.by[index]);
            self.held.drain(..len);
            if self.once {
                self.forget(index)?;
            }
            self.flush()?;
        }
        self.made.append(&mut self.held);
        Ok(())
    }

    fn made(&mut self) -> &mut Vec<u8> {
        &mut self.made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a body in these pieces; with `flushed` nothing more comes for a while behind each.
    fn run(pairs: &[(&str, &str)], once: bool, pieces: &[&[u8]], flushed: bool) -> String {
        let texts = Texts::new(pairs.iter().map(|(text, _)| text.as_bytes())).expect("texts");
        let by = pairs.iter().map(|(_, by)| Str::copy(by.as_bytes())).collect();
        let mut replacer = Replacer::new(Rc::new(texts), by, once);
        for piece in pieces {
            let mut at = 0;
            while at < piece.len() {
                at += replacer.take(&piece[at..]).expect("taken");
            }
            if flushed {
                replacer.flush().expect("flushed");
            }
        }
        replacer.finish().expect("finished");
        String::from_utf8(std::mem::take(replacer.made())).expect("text")
    }

    #[test]
    fn it_is_the_same_in_any_pieces() {
        let pairs: [(&[(&str, &str)], &str); 5] = [
            (&[("ab", "X")], "aab AB abab aba b"),
            (&[("aab", "X"), ("ab", "Y")], "aaab aab ab aaaab"),
            (&[("abcd", "X"), ("bc", "Y"), ("cde", "Z")], "abcde abc bcde abcd"),
            (&[("a", "XX"), ("ab", "never")], "abab"),
            (&[("abab", ""), ("b", "aba")], "abababab abaabab"),
        ];
        for (pairs, body) in pairs {
            for once in [true, false] {
                let whole = run(pairs, once, &[body.as_bytes()], false);
                for size in 1..body.len() {
                    let pieces: Vec<&[u8]> = body.as_bytes().chunks(size).collect();
                    for flushed in [true, false] {
                        let cut = run(pairs, once, &pieces, flushed);
                        assert_eq!(cut, whole, "{pairs:?} {size} {flushed}");
                    }
                }
            }
        }
        assert_eq!(run(&[("a", "bb"), ("b", "c")], true, &[b"aabba"], false), "bbacba");
    }

    #[test]
    fn what_cannot_go_on_is_not_held_back() {
        let texts = Rc::new(Texts::new([&b"</head>"[..]].into_iter()).expect("texts"));
        let mut replacer = Replacer::new(texts, vec![Str::EMPTY], true);
        replacer.take(b"<html></HE").expect("taken");
        replacer.flush().expect("flushed");
        assert_eq!(replacer.made(), b"<html>");
    }

    #[test]
    fn a_long_replacement_comes_in_pieces() {
        let texts = Rc::new(Texts::new([&b"a"[..]].into_iter()).expect("texts"));
        let by = vec![Str::from(vec![b'x'; 8 << 10])];
        let mut replacer = Replacer::new(texts, by, false);
        let body = vec![b'a'; 32 << 10];
        let mut at = 0;
        while at < body.len() {
            at += replacer.take(&body[at..]).expect("taken");
            assert!(replacer.made().len() <= 2 * MADE as usize);
            replacer.made().clear();
        }
    }
}
