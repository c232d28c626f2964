//! The head of a file in the cache.

use proto::cached::{FIXED, LONGEST, length, parse};

/// What is read is what would be written, byte for byte; a beginning of it is none.
pub fn cached(data: &[u8]) {
    let len = length(data);
    match parse(data) {
        Ok(cached) => {
            let mut written = Vec::new();
            cached.render(&mut written);
            assert_eq!((Ok(written.len()), written.len()), (len, cached.size()));
            assert!(written.len() >= FIXED && written == data[..written.len()]);
            assert!(parse(&written[..written.len() - 1]).is_err());
        }
        // No more memory than a head may have is asked for.
        Err(_) => assert!(len.is_ok_and(|len| len <= FIXED + LONGEST) || len.is_err()),
    }
}
