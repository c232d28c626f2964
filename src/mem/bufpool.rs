//! The free blocks of this thread, kept by size class.
//!
//! ```text
//!   +-------+----------+------+---------------------------+
//!   | count | capacity | next | capacity bytes            |
//!   |  u32  |   u32    | ptr  | (always initialised)      |
//!   +-------+----------+------+---------------------------+
//!   ^ NonNull<Header>         ^ Header::data
//! ```

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::NonNull;

/// The smallest class; each class is twice the one before.
const SMALLEST: usize = 512;
const CLASSES: usize = 8;
const LARGEST: usize = SMALLEST << (CLASSES - 1);

/// How many free bytes one class may keep.
const CACHED_PER_CLASS: usize = 1 << 20;

/// A `Str` reaches its header with 32 bits, so no block may be larger.
const MAX_CAPACITY: usize = i32::MAX as usize;

/// What stands before the bytes of each block.
#[repr(C)]
pub(crate) struct Header {
    /// Owners: the `Block` itself and each `Str` that shares it.
    count: Cell<u32>,
    capacity: u32,
    /// The next free block; unused while the block is lent.
    next: Cell<Option<NonNull<Header>>>,
}

pub(crate) const HEADER: usize = size_of::<Header>();
const _: () = assert!(HEADER == 16 && usize::BITS == 64);

impl Header {
    pub(crate) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    pub(crate) fn is_unique(&self) -> bool {
        self.count.get() == 1
    }

    pub(crate) fn retain(&self) {
        match self.count.get().checked_add(1) {
            Some(count) => self.count.set(count),
            // Four thousand million owners can only be leaked ones; a wrapped count would free early.
            None => std::process::abort(),
        }
    }
}

/// The first byte of a block's data, with the provenance of the whole block.
///
/// # Safety
/// `head` must come from [`acquire`] and still be owned.
pub(crate) unsafe fn data(head: NonNull<Header>) -> NonNull<u8> {
    // SAFETY: every block is HEADER + capacity bytes long, so this stays inside or one past it.
    unsafe { head.cast::<u8>().add(HEADER) }
}

/// A block of at least `capacity` initialised bytes with one owner: rounded up to its class.
///
/// # Panics
/// If `capacity` exceeds 2 GiB.
pub(crate) fn acquire(capacity: usize) -> NonNull<Header> {
    let capacity = capacity.next_power_of_two().clamp(SMALLEST, LARGEST).max(capacity);
    let cached = class(capacity).and_then(|class| POOL.try_with(|pool| pool.pop(class)).ok()?);
    cached.unwrap_or_else(|| allocate(capacity))
}

/// A block of exactly `capacity` bytes, for strings that live long.
///
/// # Panics
/// If `capacity` exceeds 2 GiB.
pub(crate) fn allocate(capacity: usize) -> NonNull<Header> {
    assert!(capacity <= MAX_CAPACITY, "a block of {capacity} bytes is too large");
    let layout = layout(capacity);
    // SAFETY: the layout includes the header, so its size is not zero.
    let Some(head) = NonNull::new(unsafe { alloc_zeroed(layout) }) else {
        handle_alloc_error(layout)
    };
    let head = head.cast::<Header>();
    let header = Header { count: Cell::new(1), capacity: capacity as u32, next: Cell::new(None) };
    // SAFETY: the memory is fresh, large enough for a Header, and aligned for it by `layout`.
    unsafe { head.write(header) };
    let _ = POOL.try_with(|pool| pool.allocated.set(pool.allocated.get() + capacity));
    head
}

/// Gives up one owner; the last one returns the block to this thread's free list.
///
/// # Safety
/// `head` must come from [`acquire`] or [`allocate`], and the caller must own one count, which it
/// may not use again.
pub(crate) unsafe fn release(head: NonNull<Header>) {
    // SAFETY: the caller owns a count, so the header is alive.
    let header = unsafe { head.as_ref() };
    let count = header.count.get() - 1;
    header.count.set(count);
    if count > 0 {
        return;
    }
    let capacity = header.capacity();
    let kept = POOL.try_with(|pool| pool.keep(head, capacity)).unwrap_or(false);
    if !kept {
        // SAFETY: nobody owns the block any more and it is in no free list.
        unsafe { free(head) };
    }
}

/// # Safety
/// `head` must have no owner and be in no free list.
unsafe fn free(head: NonNull<Header>) {
    // SAFETY: the header stays valid until dealloc below.
    let capacity = unsafe { head.as_ref() }.capacity();
    let _ = POOL.try_with(|pool| pool.allocated.set(pool.allocated.get().saturating_sub(capacity)));
    // SAFETY: `allocate` used the same layout, which depends on the capacity alone.
    unsafe { dealloc(head.as_ptr().cast(), layout(capacity)) };
}

fn layout(capacity: usize) -> Layout {
    // SAFETY: the alignment is a power of two, and MAX_CAPACITY + HEADER is far from isize::MAX.
    unsafe { Layout::from_size_align_unchecked(HEADER + capacity, align_of::<Header>()) }
}

/// The class whose blocks have exactly this capacity.
fn class(capacity: usize) -> Option<usize> {
    let pooled = capacity.is_power_of_two() && (SMALLEST..=LARGEST).contains(&capacity);
    pooled.then(|| (capacity / SMALLEST).trailing_zeros() as usize)
}

thread_local! {
    static POOL: BufPool = const { BufPool::new() };
}

/// The free blocks of this thread, 512 bytes to 64 KiB; larger blocks are not kept.
///
/// [`Block::take`](crate::Block::take) takes from it, the last drop of what shares a block gives
/// back to it.
pub struct BufPool {
    free: [Cell<Option<NonNull<Header>>>; CLASSES],
    cached: [Cell<usize>; CLASSES],
    allocated: Cell<usize>,
}

/// What this thread's blocks amount to, in bytes of capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// All blocks: lent and free.
    pub allocated: usize,
    /// Free blocks, ready to be lent again.
    pub cached: usize,
}

impl BufPool {
    const fn new() -> Self {
        Self {
            free: [const { Cell::new(None) }; CLASSES],
            cached: [const { Cell::new(0) }; CLASSES],
            allocated: Cell::new(0),
        }
    }

    /// Counts the blocks of this thread.
    pub fn stats() -> Stats {
        let count = |pool: &BufPool| Stats {
            allocated: pool.allocated.get(),
            cached: pool.cached.iter().map(Cell::get).sum(),
        };
        POOL.try_with(count).unwrap_or_default()
    }

    /// Returns the free blocks of this thread to the allocator.
    pub fn trim() {
        let _ = POOL.try_with(BufPool::drain);
    }

    fn pop(&self, class: usize) -> Option<NonNull<Header>> {
        let head = self.free[class].get()?;
        // SAFETY: a block in a free list is alive and has no owner.
        let header = unsafe { head.as_ref() };
        self.free[class].set(header.next.take());
        self.cached[class].set(self.cached[class].get() - header.capacity());
        header.count.set(1);
        Some(head)
    }

    /// Takes an ownerless block into its free list, unless that is full.
    fn keep(&self, head: NonNull<Header>, capacity: usize) -> bool {
        let Some(class) = class(capacity) else { return false };
        let cached = self.cached[class].get() + capacity;
        if cached > CACHED_PER_CLASS {
            return false;
        }
        // SAFETY: `release` calls this with a block that is alive and that nobody owns.
        unsafe { head.as_ref() }.next.set(self.free[class].replace(Some(head)));
        self.cached[class].set(cached);
        true
    }

    fn drain(&self) {
        for class in 0..CLASSES {
            while let Some(head) = self.pop(class) {
                self.allocated.set(self.allocated.get().saturating_sub(SMALLEST << class));
                // SAFETY: `pop` took the block out of the list, and nobody else knows it.
                unsafe { dealloc(head.as_ptr().cast(), layout(SMALLEST << class)) };
            }
        }
    }
}

impl Drop for BufPool {
    fn drop(&mut self) {
        self.drain();
    }
}
