//! What values in AMF3 may name instead of repeating it.

/// What has come in a message so far.
#[derive(Debug, Default)]
pub(super) struct Tables<'a> {
    pub strings: Vec<&'a [u8]>,
    pub traits: Vec<Traits<'a>>,
}

/// The names that an object has, and whether it may have others.
#[derive(Clone, Debug, Default)]
pub(super) struct Traits<'a> {
    pub class: &'a [u8],
    pub names: Vec<&'a [u8]>,
    pub dynamic: bool,
}
