//! Variables in a text.

/// The names in a text, in order; captures are numbers.
pub(crate) fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).filter_map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Some(&rest[..1]);
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        Some(&rest[..end.unwrap_or(rest.len())]).filter(|name| !name.is_empty())
    })
}

/// Whether a text has a variable that is the address, decoded: with line breaks, if a client sends `%0a`.
pub(crate) fn decoded_uri(text: &str) -> Option<&str> {
    variables(text).find(|name| matches!(*name, "uri" | "document_uri"))
}

/// Host and path of a URL: `http://host:80/path` to `host:80`, `/path`.
pub(crate) fn host_and_path(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    if let Some(socket) = rest.strip_prefix("unix:") {
        return socket.split_once(':').unwrap_or((socket, ""));
    }
    // The address of a request begins with a slash.
    let ends = ["/", "$request_uri", "$uri", "$document_uri", "${request_uri}", "${uri}"];
    rest.split_at(ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_apart() {
        let names = |text| variables(text).collect::<Vec<_>>();
        assert_eq!(names("a$b-${c}d$12$$e_f."), ["b", "c", "1", "e_f"]);
        assert_eq!(host_and_path("http://a:80/b"), ("a:80", "/b"));
        assert_eq!(host_and_path("$s://$a:$p$request_uri"), ("$a:$p", "$request_uri"));
        assert_eq!(host_and_path("http://unix:/a/b:/c"), ("/a/b", "/c"));
        assert_eq!(host_and_path("a:9000"), ("a:9000", ""));
    }
}
