//! The name that was probably meant.

/// The candidate that is nearest to a mistyped name, if one is near: at most two edits away, and
/// one for a name of up to three letters. Of several the first.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No directive is so long; a word of the size of a file must not cost time.
    if name.len() > 100 {
        return None;
    }
    let limit = name.len().div_ceil(3).min(2);
    let mut best = None;
    let mut least = limit + 1;
    for candidate in candidates {
        if candidate.len().abs_diff(name.len()) > limit {
            continue;
        }
        let edits = strsim::osa_distance(name, candidate);
        if edits < least {
            (best, least) = (Some(candidate), edits);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let names = ["range", "root", "server", "server_name", "sendfile"];
        assert_eq!(nearest("rang", names), Some("range"));
        assert_eq!(nearest("rot", names), Some("root"));
        assert_eq!(nearest("srever", names), Some("server"));
        assert_eq!(nearest("servername", names), Some("server_name"));
        assert_eq!(nearest("sentfiles", names), Some("sendfile"));
        assert_eq!(nearest("gzip", names), None);
        assert_eq!(nearest("", names), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), names), None);
    }
}
