//! Random bytes of the kernel's (`getrandom(2)`): no state that processes could share.

/// Fills `out`. The kernel gives up to 256 bytes whole, once it has been up for some seconds.
pub fn fill(out: &mut [u8]) {
    let mut rest = out;
    while !rest.is_empty() {
        // SAFETY: `rest` is valid for writes of its length during the call.
        let filled = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        let filled = usize::try_from(filled).unwrap_or(0);
        rest = &mut rest[filled..];
    }
}

/// A number that nobody else has.
pub fn number() -> u128 {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    u128::from_ne_bytes(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_differ() {
        assert_ne!(super::number(), super::number());
    }
}
