//! A follower's channel: who follows, and what it has noted.

use std::cell::Cell;

use broadcast::{
    AppendError, Attachment, Attributes, ChannelId, END, Owner, ReadLimits, Reading, Start,
};

const PREFIX: &[u8] = b"\0follow/";
/// What is noted at the end goes after so many milliseconds, and the channel with it.
const OVER_MS: u64 = 1000;

/// Whether a channel is a follower's.
pub fn is_claim(channel: &[u8]) -> bool {
    channel.starts_with(PREFIX)
}

/// The channels of all followers.
pub fn all() -> &'static [u8] {
    PREFIX
}

/// The name of a follower's channel.
pub fn name(followers: &str, stream: &[u8]) -> Vec<u8> {
    [PREFIX, followers.as_bytes(), b"\0", stream].concat()
}

/// The follower and the stream that a channel is about.
pub fn parse(channel: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = channel.strip_prefix(PREFIX)?;
    let at = rest.iter().position(|&byte| byte == 0)?;
    Some((&rest[..at], &rest[at + 1..]))
}

/// A follower's own channel, in this process's hands.
pub struct Claim {
    attachment: &'static Attachment,
    id: ChannelId,
    owner: Owner,
    /// Behind which record of the stream it was begun to follow.
    since: Cell<u64>,
}

/// What a claim's newest record says.
pub struct Noted {
    /// Behind which record of the stream it was begun to follow.
    pub since: u64,
    /// The follower's own note; empty: there is none.
    pub note: Vec<u8>,
}

/// What the followers of that name have noted, of whichever streams and in whichever processes.
pub fn notes(attachment: &'static Attachment, followers: &str) -> Vec<Vec<u8>> {
    let zone = attachment.zone();
    let channels = zone.unended(&name(followers, b""));
    let ids = channels.iter().filter_map(|channel| zone.find(channel));
    ids.filter_map(|id| newest(attachment, id)).map(|noted| noted.note).collect()
}

/// A channel's newest record: a number of eight bytes, and the follower's note.
fn newest(attachment: &'static Attachment, id: ChannelId) -> Option<Noted> {
    let (cursor, told) = attachment.start(&[id], Start::Last(1));
    let limits = ReadLimits { told, records: 1, ..ReadLimits::default() };
    let record = match attachment.read(&[id], cursor, None, limits) {
        Reading::Batch(batch) => live::whole(attachment, id, batch)?,
        _ => return None,
    };
    let (since, note) = record.split_first_chunk()?;
    Some(Noted { since: u64::from_le_bytes(*since), note: note.to_vec() })
}

impl Claim {
    /// Takes the channel; `force`: from whoever has it. `None`: somebody has it, or there is no room.
    pub fn take(
        attachment: &'static Attachment,
        name: &[u8],
        owner: Owner,
        force: bool,
    ) -> Option<Claim> {
        let id = attachment.zone().claim(name, owner, force, u32::MAX).ok()?;
        Some(Claim { attachment, id, owner, since: Cell::new(0) })
    }

    /// What was noted last.
    pub fn read(&self) -> Option<Noted> {
        newest(self.attachment, self.id)
    }

    /// It is followed from behind this record on. `false`: the channel is another's.
    pub fn begin(&self, since: u64, note: &[u8]) -> bool {
        self.since.set(since);
        self.write(note)
    }

    /// Notes something. `false`: the channel is another's.
    pub fn write(&self, note: &[u8]) -> bool {
        let since = self.since.get().to_le_bytes();
        self.append(&[&since, note], 0, 0) != Err(AppendError::NotOwner)
    }

    fn append(&self, note: &[&[u8]], flags: u32, max_age: u64) -> Result<(), AppendError> {
        let attributes = Attributes {
            flags,
            max_age,
            // The one before is not needed any more.
            unneeded: u64::MAX,
            owner: Some(self.owner),
            ..Attributes::default()
        };
        let zone = self.attachment.zone();
        zone.append_to(self.id, &attributes, |_, _| {}, note).map(drop)
    }

    /// Whether it is still this process's.
    pub fn holds(&self) -> bool {
        self.attachment.zone().owner(self.id) == Some(self.owner)
    }

    /// Everything is done: there is nothing to go on with.
    pub fn finish(&self) {
        // If it is another's, that one sees to it.
        let _ = self.append(&[], END, OVER_MS);
        self.give_up();
    }

    /// Leaves it to whoever goes on.
    pub fn give_up(&self) {
        self.attachment.zone().release(self.id, self.owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_says_who_follows_what() {
        let channel = name("record/all", b"live\x1fcam");
        assert!(is_claim(&channel));
        assert_eq!(parse(&channel), Some((&b"record/all"[..], &b"live\x1fcam"[..])));
        assert_eq!(parse(b"live\x1fcam"), None);
    }
}
