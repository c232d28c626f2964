//! Telling the processor which memory will be needed, so that it comes while something else is done: with thousands of
//! connections nearly all of one's state is in no near cache when its turn comes.

/// Bytes that the processor fetches at once.
const LINE: usize = 64;

/// Has the first bytes of a value fetched. A hint: nothing depends on it.
pub fn prefetch<T: ?Sized>(value: &T, bytes: usize) {
    let mut touched = Touched::<1>::default();
    touched.add(value, bytes);
    touched.fetch();
}

/// Memory that one turn has touched and the next one will. It may be gone by then: fetching is no access.
#[derive(Debug)]
pub struct Touched<const N: usize> {
    /// The address of a line, and how many follow in its low bits.
    places: [usize; N],
    count: usize,
}

impl<const N: usize> Default for Touched<N> {
    fn default() -> Touched<N> {
        Touched { places: [0; N], count: 0 }
    }
}

impl<const N: usize> Touched<N> {
    /// Forgets all of it.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Notes the first bytes of a value, as long as there is room.
    pub fn add<T: ?Sized>(&mut self, value: &T, bytes: usize) {
        self.add_from(value, bytes.min(size_of_val(value)));
    }

    /// Notes so many bytes from the beginning of a value on: others follow it.
    pub fn add_from<T: ?Sized>(&mut self, value: &T, bytes: usize) {
        let begin = std::ptr::from_ref(value).addr();
        let end = begin + bytes;
        let first = begin / LINE * LINE;
        if let Some(place) = self.places.get_mut(self.count) {
            *place = first | (end - first).div_ceil(LINE).min(LINE - 1);
            self.count += 1;
        }
    }

    /// Has it fetched.
    pub fn fetch(&self) {
        for place in &self.places[..self.count] {
            let (first, lines) = (place / LINE * LINE, place % LINE);
            (0..lines).for_each(|line| fetch(first + line * LINE));
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn fetch(address: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: fetching is no access: it does nothing at an address that is not mapped.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(address)) }
}

#[cfg(target_arch = "aarch64")]
fn fetch(address: usize) {
    // SAFETY: fetching is no access: it does nothing at an address that is not mapped.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, readonly, preserves_flags));
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn fetch(_: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_gone_does_no_harm() {
        let mut touched = Touched::<2>::default();
        let gone = vec![0u8; 1 << 20];
        touched.add(&gone[..], usize::MAX);
        touched.add(&gone[..1], 64);
        touched.add(&gone, 64);
        assert_eq!(touched.count, 2, "as much as there is room for");
        assert_eq!(touched.places[0] % LINE, LINE - 1);
        drop(gone);
        touched.fetch();
        prefetch("", 1);
    }
}
