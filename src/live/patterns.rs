//! The patterns that clients of this worker subscribe to, and which of them a channel matches.

use std::collections::HashMap;
use std::rc::Rc;

use broadcast::{ChannelId, Zone};

/// Patterns and their subscribers.
#[derive(Default)]
pub struct Patterns {
    /// By the beginning of the names.
    by_prefix: HashMap<Rc<[u8]>, Vec<u32>>,
    /// Which patterns a channel matches, by its number: its name is looked at once.
    known: HashMap<u32, Known>,
}

struct Known {
    id: ChannelId,
    prefixes: Vec<Rc<[u8]>>,
}

impl Patterns {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_prefix.is_empty()
    }

    /// One more subscriber of a pattern.
    pub fn add(&mut self, prefix: &[u8], number: u32) {
        match self.by_prefix.get_mut(prefix) {
            Some(members) => members.push(number),
            None => {
                self.by_prefix.insert(prefix.into(), vec![number]);
                self.known.clear();
            }
        }
    }

    /// One less.
    pub fn remove(&mut self, prefix: &[u8], number: u32) {
        let Some(members) = self.by_prefix.get_mut(prefix) else { return };
        members.retain(|&member| member != number);
        if members.is_empty() {
            self.by_prefix.remove(prefix);
            self.known.clear();
        }
    }

    /// Calls `each` with the subscribers of all patterns that the channel of a number matches. `named` is given the
    /// name of one that is not known yet. `false`: it is no channel any more.
    pub fn of(
        &mut self,
        zone: &Zone,
        index: u32,
        named: impl FnOnce(&[u8], ChannelId),
        mut each: impl FnMut(u32, ChannelId),
    ) -> bool {
        let generation = zone.generation(index);
        let current = |known: &Known| known.id.generation() == generation;
        if !self.known.get(&index).is_some_and(current) {
            let mut name = Vec::new();
            let Some(id) = zone.channel_of(index, |bytes| name.extend_from_slice(bytes)) else {
                self.known.remove(&index);
                return false;
            };
            let prefixes = (0..=name.len()).filter_map(|len| {
                self.by_prefix.get_key_value(&name[..len]).map(|(prefix, _)| prefix.clone())
            });
            let prefixes = prefixes.collect();
            self.known.insert(index, Known { id, prefixes });
            named(&name, id);
        }
        if let Some(known) = self.known.get(&index) {
            let members = known.prefixes.iter().filter_map(|prefix| self.by_prefix.get(prefix));
            members.flatten().for_each(|&member| each(member, known.id));
        }
        true
    }
}
