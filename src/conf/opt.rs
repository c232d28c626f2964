//! Values that know "unset" from "set", and how they inherit.
//!
//! A block fills what it left unset from the block around it ([`Opt::inherit`]). nginx has one more
//! rule, which surprises: directives that may be repeated (`add_header`, `index`, `error_page`, …)
//! are not merged with those of the outer block. **A single one in the inner block replaces the
//! whole array of the outer block.** Here that is no special case: the array is one value,
//! `Opt<Vec<T>>`, and the first [`Opt::push`] sets it, so that nothing is inherited any more.

use crate::{Error, Setting};

/// A value that may be unset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Opt<T>(Option<T>);

/// The value had been set already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duplicate;

impl<T> Opt<T> {
    /// No value.
    pub const UNSET: Opt<T> = Opt(None);

    /// Sets the value, once.
    pub fn set(&mut self, value: T) -> Result<(), Duplicate> {
        if self.0.is_some() {
            return Err(Duplicate);
        }
        self.0 = Some(value);
        Ok(())
    }

    /// Sets the value from a directive; a second time it is `"x" directive is duplicate`.
    pub fn set_in(&mut self, value: T, setting: &Setting<'_>) -> Result<(), Error> {
        self.set(value).map_err(|Duplicate| setting.duplicate())
    }

    /// Sets the value, whatever it was.
    pub fn replace(&mut self, value: T) {
        self.0 = Some(value);
    }

    /// The value, if set.
    pub const fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// The value to change in place, if set.
    pub const fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }

    /// Whether it is set.
    pub const fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// The value, or a default if unset.
    pub fn or_default(&self, default: T) -> T
    where
        T: Clone,
    {
        self.0.clone().unwrap_or(default)
    }

    /// Takes the outer block's value if this one is unset.
    pub fn inherit(&mut self, outer: &Opt<T>)
    where
        T: Clone,
    {
        if self.0.is_none() {
            self.0.clone_from(&outer.0);
        }
    }
}

impl<T> Opt<Vec<T>> {
    /// Appends to the array; the first push sets it.
    pub fn push(&mut self, value: T) {
        self.0.get_or_insert_default().push(value);
    }

    /// The elements; none if unset.
    pub fn as_slice(&self) -> &[T] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<T> Default for Opt<T> {
    fn default() -> Opt<T> {
        Opt::UNSET
    }
}

impl<T> From<T> for Opt<T> {
    fn from(value: T) -> Opt<T> {
        Opt(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_once() {
        let mut opt = Opt::UNSET;
        assert_eq!(opt.or_default(3), 3);
        assert_eq!(opt.set(1), Ok(()));
        assert_eq!(opt.set(2), Err(Duplicate));
        assert_eq!(opt.get(), Some(&1));
        opt.replace(2);
        assert_eq!(opt.or_default(3), 2);
    }

    #[test]
    fn scalars_inherit_if_unset() {
        let outer = Opt::from(1);
        let (mut unset, mut set) = (Opt::UNSET, Opt::from(2));
        unset.inherit(&outer);
        set.inherit(&outer);
        assert_eq!((unset, set), (Opt::from(1), Opt::from(2)));
        set.inherit(&Opt::UNSET);
        assert_eq!(set, Opt::from(2));
    }

    #[test]
    fn arrays_inherit_wholesale() {
        let mut outer = Opt::UNSET;
        outer.push("a");
        outer.push("b");
        let (mut none, mut one) = (Opt::UNSET, Opt::UNSET);
        one.push("c");
        none.inherit(&outer);
        one.inherit(&outer);
        assert_eq!(none.as_slice(), ["a", "b"]);
        assert_eq!(one.as_slice(), ["c"]);
        assert_eq!(Opt::<Vec<u8>>::UNSET.as_slice(), [0u8; 0]);
    }
}
