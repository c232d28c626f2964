//! What a ClientHello says (RFC 8446, 4.1.2; RFC 5246, 7.4.1.2).
//!
//! Its lists are checked once and stay where they are: nothing is copied, unless it came in several records. What rustls
//! refuses is invalid here, too; what only needs an alert of its own (no common version, no null compression) is not.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use super::names;
use super::record::{Message, message};

/// What the bytes of a client are so far.
#[derive(Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is looked at and dropped; a box would be an allocation for each handshake"
)]
pub enum Parsed<'a> {
    /// The beginning of a hello.
    Incomplete {
        /// So many bytes it has at least: before they are there, there is nothing to ask again.
        least: usize,
    },
    /// TLS, and what is wrong with it.
    Invalid(&'static str),
    /// No TLS. Of HTTP nginx takes whatever is neither that nor a hello of SSLv2.
    NotTls {
        /// Whether the client is told in plain HTTP what is wrong.
        looks_like_http: bool,
    },
    /// A hello.
    Hello(ClientHello<'a>),
}

/// A hello whose lists are well-formed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello<'a> {
    body: Cow<'a, [u8]>,
    /// How many of the bytes it took.
    pub len: usize,
    session_id: Range<usize>,
    suites: Range<usize>,
    extensions: Range<usize>,
    server_name: Option<Range<usize>>,
    alpn: Option<Range<usize>>,
    versions: Option<Range<usize>>,
    groups: Option<Range<usize>>,
    signatures: Option<Range<usize>>,
    key_shares: Option<Range<usize>>,
    /// Whether it offers data before the handshake's end (RFC 8446, 4.2.10).
    pub early_data: bool,
    /// Whether it offers a session to go on with (RFC 8446, 4.2.11).
    pub pre_shared_key: bool,
}

/// Types of extensions.
mod extension {
    pub const SERVER_NAME: u16 = 0;
    pub const SUPPORTED_GROUPS: u16 = 10;
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    pub const ALPN: u16 = 16;
    pub const PRE_SHARED_KEY: u16 = 41;
    pub const EARLY_DATA: u16 = 42;
    pub const SUPPORTED_VERSIONS: u16 = 43;
    pub const KEY_SHARE: u16 = 51;
}

/// Reads a hello that takes at most `most` bytes with all its records. It does not matter how often it is asked: what is
/// decided stays so when more comes.
pub fn parse(bytes: &[u8], most: usize) -> Parsed<'_> {
    match bytes.first() {
        None => return Parsed::Incomplete { least: 1 },
        Some(22) => {}
        Some(first) => return Parsed::NotTls { looks_like_http: first & 0x80 == 0 },
    }
    match message(bytes, most) {
        Message::Incomplete(least) => Parsed::Incomplete { least },
        Message::Invalid(fault) => Parsed::Invalid(fault),
        Message::Whole(body, len) => match ClientHello::read(body) {
            Ok(hello) => Parsed::Hello(ClientHello { len, ..hello }),
            Err(fault) => Parsed::Invalid(fault),
        },
    }
}

/// Takes parts of a message, and knows where in it they are.
struct Reader<'a> {
    body: &'a [u8],
    at: usize,
    end: usize,
}

const CUT: &str = "a hello that is cut short";

impl Reader<'_> {
    fn take(&mut self, len: usize) -> Result<Range<usize>, &'static str> {
        let start = self.at;
        if len > self.end - start {
            return Err(CUT);
        }
        self.at += len;
        Ok(start..self.at)
    }

    fn number(&mut self, bytes: usize) -> Result<usize, &'static str> {
        let digits = &self.body[self.take(bytes)?];
        Ok(digits.iter().fold(0, |number, digit| number << 8 | usize::from(*digit)))
    }

    fn u16(&mut self) -> Result<u16, &'static str> {
        self.number(2).map(|number| number as u16)
    }

    /// What stands behind its length, which takes so many bytes.
    fn list(&mut self, bytes: usize) -> Result<Range<usize>, &'static str> {
        let len = self.number(bytes)?;
        self.take(len)
    }

    fn inside(&self, part: &Range<usize>) -> Self {
        Reader { body: self.body, at: part.start, end: part.end }
    }

    fn any_left(&self) -> bool {
        self.at < self.end
    }

    /// The one list that there is, of items of two bytes, and not empty.
    fn pairs(&mut self, bytes: usize) -> Result<Range<usize>, &'static str> {
        let list = self.list(bytes)?;
        match list.is_empty() || list.len() % 2 == 1 || self.any_left() {
            true => Err("a list of numbers that is none"),
            false => Ok(list),
        }
    }
}

impl<'a> ClientHello<'a> {
    fn read(body: Cow<'a, [u8]>) -> Result<ClientHello<'a>, &'static str> {
        let mut hello = ClientHello::default();
        let mut reader = Reader { body: &body, at: 0, end: body.len() };
        reader.take(2 + 32)?;
        hello.session_id = reader.list(1)?;
        if hello.session_id.len() > 32 {
            return Err("a session id that is too long");
        }
        hello.suites = reader.list(2)?;
        if hello.suites.is_empty() || hello.suites.len() % 2 == 1 {
            return Err("a list of cipher suites that is none");
        }
        if reader.list(1)?.is_empty() {
            return Err("no compression method");
        }
        // Clients before RFC 3546 end here.
        if reader.any_left() {
            hello.extensions = reader.list(2)?;
        }
        if reader.any_left() {
            return Err("bytes after the extensions");
        }
        hello.read_extensions(reader.inside(&hello.extensions))?;
        hello.body = body;
        Ok(hello)
    }

    fn read_extensions(&mut self, mut reader: Reader) -> Result<(), &'static str> {
        let mut seen = Seen::default();
        while reader.any_left() {
            let kind = reader.u16()?;
            let body = reader.list(2)?;
            if !seen.insert(kind) {
                return Err("an extension that is there twice");
            }
            let mut inner = reader.inside(&body);
            match kind {
                extension::SERVER_NAME => self.server_name = server_name(inner)?,
                extension::ALPN => self.alpn = Some(protocols(inner)?),
                extension::SUPPORTED_VERSIONS => self.versions = Some(inner.pairs(1)?),
                extension::SUPPORTED_GROUPS => self.groups = Some(inner.pairs(2)?),
                extension::SIGNATURE_ALGORITHMS => self.signatures = Some(inner.pairs(2)?),
                extension::KEY_SHARE => self.key_shares = Some(shares(inner)?),
                extension::EARLY_DATA => self.early_data = true,
                // RFC 8446, 4.2.11: its binders sign all that stands before them.
                extension::PRE_SHARED_KEY if reader.any_left() => {
                    return Err("a pre-shared key that is not the last extension");
                }
                extension::PRE_SHARED_KEY => self.pre_shared_key = true,
                _ => {}
            }
        }
        Ok(())
    }

    /// The version in the old place: TLS 1.2 at most.
    pub fn legacy_version(&self) -> u16 {
        self.body.first_chunk().map_or(0, |version| u16::from_be_bytes(*version))
    }

    /// The highest version that it offers, reserved values (GREASE) left aside.
    pub fn version(&self) -> u16 {
        let offered = self.supported_versions().filter(|version| !names::is_grease(*version)).max();
        offered.unwrap_or_else(|| self.legacy_version())
    }

    /// The versions of the extension, as they stand there.
    pub fn supported_versions(&self) -> impl Iterator<Item = u16> {
        self.numbers(self.versions.as_ref())
    }

    /// The name of the server, without a dot at its end, in the client's spelling.
    pub fn server_name(&self) -> Option<&str> {
        let name = std::str::from_utf8(self.bytes(self.server_name.as_ref()?)).ok()?;
        Some(name.strip_suffix('.').unwrap_or(name))
    }

    /// Whether the extension of the server's name is there, whatever it says.
    pub fn has_server_name(&self) -> bool {
        self.extensions().any(|kind| kind == extension::SERVER_NAME)
    }

    /// The protocols that it offers (RFC 7301), in its order.
    pub fn alpn(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.alpn.as_ref().map_or(&[][..], |list| self.bytes(list));
        std::iter::from_fn(move || {
            let (len, after) = rest.split_first()?;
            let (name, after) = after.split_at_checked(usize::from(*len))?;
            rest = after;
            Some(name)
        })
    }

    /// The cipher suites, in its order.
    pub fn suites(&self) -> impl Iterator<Item = u16> {
        self.numbers(Some(&self.suites))
    }

    /// The groups for key exchange, in its order.
    pub fn groups(&self) -> impl Iterator<Item = u16> {
        self.numbers(self.groups.as_ref())
    }

    /// The signature algorithms, in its order.
    pub fn signature_algorithms(&self) -> impl Iterator<Item = u16> {
        self.numbers(self.signatures.as_ref())
    }

    /// The groups that it sends a key for.
    pub fn key_shares(&self) -> impl Iterator<Item = u16> {
        self.items(self.key_shares.as_ref())
    }

    /// The types of its extensions, in its order.
    pub fn extensions(&self) -> impl Iterator<Item = u16> {
        self.items(Some(&self.extensions))
    }

    /// The session's id: random bytes in TLS 1.3.
    pub fn session_id(&self) -> &[u8] {
        self.bytes(&self.session_id)
    }

    /// The cipher suites by OpenSSL's names, as `$ssl_ciphers` has them: with colons, unknown ones as `0x0000`.
    pub fn suite_names(&self) -> String {
        names::join(self.suites(), names::suite)
    }

    /// The groups by OpenSSL's names, as `$ssl_curves` has them.
    pub fn group_names(&self) -> String {
        names::join(self.groups(), names::group)
    }

    fn bytes(&self, part: &Range<usize>) -> &[u8] {
        self.body.get(part.clone()).unwrap_or_default()
    }

    fn numbers(&self, part: Option<&Range<usize>>) -> impl Iterator<Item = u16> {
        let bytes = part.map_or(&[][..], |part| self.bytes(part));
        bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
    }

    /// The numbers before each of the bodies in a list.
    fn items(&self, part: Option<&Range<usize>>) -> impl Iterator<Item = u16> {
        let part = part.cloned().unwrap_or_default();
        let mut reader = Reader { body: &self.body, at: part.start, end: part.end };
        std::iter::from_fn(move || {
            let number = reader.u16().ok()?;
            reader.list(2).ok()?;
            Some(number)
        })
    }
}

/// RFC 6066, 3: a list of names of several kinds; only host names are defined, and one is allowed.
fn server_name(mut reader: Reader) -> Result<Option<Range<usize>>, &'static str> {
    let list = reader.list(2)?;
    if list.is_empty() || reader.any_left() {
        return Err("a list of server names that is none");
    }
    let mut names = reader.inside(&list);
    let mut found = None;
    // How long a name of another kind is, nobody knows.
    while names.any_left() && names.number(1)? == 0 {
        let name = names.list(2)?;
        if found.is_some() {
            return Err("two server names");
        }
        if name.is_empty() || !names.body[name.clone()].iter().all(u8::is_ascii_graphic) {
            return Err("a server name that is none");
        }
        found = Some(name);
    }
    Ok(found)
}

/// RFC 7301, 3.1: neither the list nor a name may be empty.
fn protocols(mut reader: Reader) -> Result<Range<usize>, &'static str> {
    let list = reader.list(2)?;
    let mut names = reader.inside(&list);
    let mut fits = !list.is_empty() && !reader.any_left();
    while fits && names.any_left() {
        fits = !names.list(1)?.is_empty();
    }
    fits.then_some(list).ok_or("a list of protocols that is none")
}

/// RFC 8446, 4.2.8: none at all asks for a HelloRetryRequest.
fn shares(mut reader: Reader) -> Result<Range<usize>, &'static str> {
    let list = reader.list(2)?;
    let mut keys = reader.inside(&list);
    let mut fits = !reader.any_left();
    while fits && keys.any_left() {
        keys.u16()?;
        fits = !keys.list(2)?.is_empty();
    }
    fits.then_some(list).ok_or("a list of keys that is none")
}

/// Types that were there: a mark for each of the usual ones, a place for some of the others; a client with more than any
/// has costs allocations.
#[derive(Default)]
struct Seen {
    usual: u64,
    others: [u16; 16],
    count: usize,
    more: BTreeSet<u16>,
}

impl Seen {
    /// Whether it is new.
    fn insert(&mut self, kind: u16) -> bool {
        if kind < 64 {
            let mark = 1 << kind;
            let new = self.usual & mark == 0;
            self.usual |= mark;
            return new;
        }
        if self.others[..self.count].contains(&kind) {
            return false;
        }
        let Some(place) = self.others.get_mut(self.count) else { return self.more.insert(kind) };
        *place = kind;
        self.count += 1;
        true
    }
}
