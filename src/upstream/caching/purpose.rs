//! Whether an answer is fetched for one client, or for others, too.

use cache::Stored;
use proto::http1::Name;

/// What an answer is fetched for.
#[derive(Clone, Copy)]
pub enum Purpose<'a> {
    /// For the client who asks.
    Client,
    /// For others, too: conditions and ranges of this client's are not asked for, and HEAD is asked as GET if that is `true`.
    /// With what is known already, the peer is asked whether that is valid still.
    Cache(bool, Option<&'a Stored>),
}

impl Purpose<'_> {
    /// Whether a field of the client's is kept back.
    pub fn keeps_back(&self, name: Name) -> bool {
        const CONDITIONS: [Name; 6] = [
            Name::IfModifiedSince,
            Name::IfUnmodifiedSince,
            Name::IfNoneMatch,
            Name::IfMatch,
            Name::Range,
            Name::IfRange,
        ];
        matches!(self, Purpose::Cache(..)) && CONDITIONS.contains(&name)
    }

    /// What the peer is asked by, whether an answer is valid still: fields and their values.
    pub fn conditions(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let known = match self {
            Purpose::Cache(_, Some(stored)) => Some(*stored),
            _ => None,
        };
        let value = |name| known.and_then(|known| known.head.fields.value(name, &known.bytes));
        let since = value(Name::LastModified).map(|value| ("If-Modified-Since", value));
        let tag = value(Name::Etag).map(|value| ("If-None-Match", value));
        since.into_iter().chain(tag)
    }

    /// Whether HEAD is asked as GET.
    pub fn converts_head(&self) -> bool {
        matches!(self, Purpose::Cache(true, _))
    }
}
