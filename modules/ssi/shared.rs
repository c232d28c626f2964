//! What all pages have in common that a client's request is made of.

use http::Request;
use http::route::regex::Captures;
use mem::{Chain, Str};

/// A client's request has no more subrequests (nginx's number).
const MOST_INCLUDES: u32 = 65535 - 1000;

/// What is looked at of an expression's groups.
const MOST_GROUPS: usize = 99;

/// Variables, blocks, captures.
#[derive(Default)]
pub struct Shared {
    variables: Vec<(Vec<u8>, Str)>,
    blocks: Vec<(Vec<u8>, Chain)>,
    pub captures: Captures,
    memory: usize,
    includes: u32,
}

/// They take more memory than they may.
pub struct Full;

impl Shared {
    /// The value of a variable that pages have set, or of a group of the expression that has matched last.
    pub fn variable(&self, name: &[u8]) -> Option<Str> {
        if let [digit @ b'0'..=b'9'] = name
            && let Some(group) = self.group(usize::from(digit - b'0'))
        {
            return Some(group);
        }
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// A group is empty if it has captured nothing, but one behind it has.
    fn group(&self, number: usize) -> Option<Str> {
        let later = || (number..=MOST_GROUPS).any(|group| self.captures.get(group).is_some());
        self.captures.get(number).or_else(|| later().then_some(Str::EMPTY))
    }

    /// Sets one; the name is in small letters.
    pub fn set(&mut self, name: &[u8], value: &[u8], most: usize) -> Result<(), Full> {
        // As in nginx: groups cannot be set.
        if let [digit @ b'0'..=b'9'] = name
            && self.group(usize::from(digit - b'0')).is_some()
        {
            return Ok(());
        }
        let known = self.variables.iter_mut().find(|(known, _)| known == name);
        let before = known.as_ref().map_or(0, |(_, value)| value.len());
        let new = if known.is_some() { 0 } else { name.len() + size_of::<(Vec<u8>, Str)>() };
        let memory = self.memory - before + new + value.len();
        if memory > most {
            return Err(Full);
        }
        self.memory = memory;
        let value = Str::copy(value);
        match known {
            Some((_, known)) => *known = value,
            None => self.variables.push((name.to_vec(), value)),
        }
        Ok(())
    }

    /// Begins a block.
    pub fn begin_block(&mut self, name: &[u8], most: usize) -> Result<(), Full> {
        self.take(name.len() + size_of::<(Vec<u8>, Chain)>(), most)?;
        self.blocks.push((name.to_vec(), Chain::new()));
        Ok(())
    }

    /// Appends to the block that was begun last.
    pub fn add_to_block(&mut self, text: &[u8], most: usize) -> Result<(), Full> {
        if self.blocks.is_empty() || text.is_empty() {
            return Ok(());
        }
        self.take(text.len() + size_of::<Str>(), most)?;
        if let Some((_, block)) = self.blocks.last_mut() {
            block.push_str(Str::copy(text));
        }
        Ok(())
    }

    /// The block of this name.
    pub fn block(&self, name: &[u8]) -> Option<Chain> {
        self.blocks.iter().find(|(known, _)| known == name).map(|(_, block)| block.clone())
    }

    fn take(&mut self, size: usize, most: usize) -> Result<(), Full> {
        if self.memory + size > most {
            return Err(Full);
        }
        self.memory += size;
        Ok(())
    }
}

/// Whether one more page may be included.
pub fn may_include(request: &Request) -> bool {
    request.with_lasting(|shared: &mut Shared| {
        shared.includes += 1;
        shared.includes <= MOST_INCLUDES
    })
}
