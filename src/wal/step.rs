//! The places at which a process may die: the tests stop it there.

#[cfg(test)]
pub(crate) use hooked::step;

/// Nothing, outside this crate's own tests.
#[cfg(not(test))]
#[inline(always)]
pub(crate) fn step(_: &'static str) {}

#[cfg(test)]
pub(crate) mod hooked {
    use std::cell::Cell;

    thread_local! {
        static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
        static DIED: Cell<bool> = const { Cell::new(false) };
    }

    /// What a death unwinds with.
    pub(crate) struct Killed(#[expect(dead_code, reason = "for whoever looks")] pub &'static str);

    /// A step that no work comes to.
    pub(crate) const LAST: usize = usize::MAX;

    /// Dies here, if it is this thread's turn.
    pub(crate) fn step(place: &'static str) {
        match LEFT.get() {
            Some(0) => {
                LEFT.set(None);
                DIED.set(true);
                std::panic::resume_unwind(Box::new(Killed(place)));
            }
            left => LEFT.set(left.map(|left| left - 1)),
        }
    }

    /// Whether it died since this was last asked.
    pub(crate) fn died() -> bool {
        DIED.replace(false)
    }

    /// Lets this thread die at its step `left`, counted from 0; `None`: not at all.
    pub(crate) fn die_after(left: Option<usize>) {
        LEFT.set(left);
    }
}
