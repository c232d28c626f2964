//! What is in a rendered event.

/// Appends the data of a block that [`event`](super::event) has rendered.
pub fn data_of(block: &[u8], out: &mut Vec<u8>) {
    let mut first = true;
    for line in lines(block) {
        if let Some(data) = line.strip_prefix(b"data: ") {
            if !std::mem::replace(&mut first, false) {
                out.push(b'\n');
            }
            out.extend_from_slice(data);
        }
    }
}

/// The type of such a block; `None`: it has none, and is a `message`.
pub fn type_of(block: &[u8]) -> Option<&[u8]> {
    lines(block).find_map(|line| line.strip_prefix(b"event: "))
}

fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', block).map(move |end| {
        let line = &block[start..end];
        start = end + 1;
        line
    })
}
