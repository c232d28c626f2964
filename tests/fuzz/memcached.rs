//! What memcached answers.

use proto::memcached::{Answer, End, escape_key, get, parse};

/// A beginning is decided within a bound and stays so; what ends a value is the same whole and in pieces; no key is more than
/// a key.
pub fn memcached(data: &[u8]) {
    let key = b"k";
    match parse(data, key) {
        Ok(Some((answer, len))) => {
            assert!(len <= data.len());
            assert_eq!(parse(&data[..len], key), Ok(Some((answer, len))));
            assert!((0..len).all(|cut| parse(&data[..cut], key) == Ok(None)));
            if let Answer::Value { length, .. } = answer {
                assert!(length <= i64::MAX as u64);
            }
        }
        Ok(None) => assert!(data.len() < 4096 && !data.contains(&b'\n')),
        Err(_) => {}
    }
    let whole = end(data, data.len().max(1));
    for piece in [1, 2, 3] {
        assert_eq!(end(data, piece), whole, "in pieces of {piece}");
    }
    let (mut escaped, mut request) = (Vec::new(), Vec::new());
    escape_key(data, &mut escaped);
    get(&escaped, &mut request);
    assert!(escaped.iter().all(|&byte| byte > b' '));
    assert_eq!(request.iter().filter(|&&byte| byte == b'\n').count(), 1);
}

/// How many bytes are the end's; `None`: they are not.
fn end(data: &[u8], piece: usize) -> Option<(usize, bool)> {
    let (mut end, mut used) = (End::default(), 0);
    for part in data.chunks(piece) {
        used += end.decode(part).ok()?;
    }
    assert!(used == data.len() || end.is_done());
    Some((used, end.is_done()))
}
