//! The places at which a process may die or another may run: the tests stop, interleave and kill there.

#[cfg(test)]
pub(crate) use hooked::step;

/// Nothing, outside this crate's own tests.
#[cfg(not(test))]
#[inline(always)]
pub(crate) fn step(_: &'static str) {}

/// Whether others run at the steps of this thread: then nobody may wait inside the kernel.
pub(crate) fn is_simulated() -> bool {
    #[cfg(test)]
    return hooked::is_set();
    #[cfg(not(test))]
    false
}

#[cfg(test)]
pub(crate) mod hooked {
    use std::cell::RefCell;

    type Hook = Box<dyn FnMut(&'static str)>;

    thread_local! {
        static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    }

    /// Calls this thread's hook, if it has one.
    pub(crate) fn step(place: &'static str) {
        let hook = HOOK.with(|hook| hook.try_borrow_mut().ok().and_then(|mut hook| hook.take()));
        if let Some(mut hook) = hook {
            hook(place);
            HOOK.with(|place| *place.borrow_mut() = Some(hook));
        }
    }

    /// Sets this thread's hook.
    pub(crate) fn set(hook: Option<Hook>) {
        HOOK.with(|place| *place.borrow_mut() = hook);
    }

    /// Whether it has one.
    pub(crate) fn is_set() -> bool {
        HOOK.with(|hook| hook.borrow().is_some())
    }
}
