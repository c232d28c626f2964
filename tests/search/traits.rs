//! What the table of deliberate differences wants to know of requests.

/// What these requests have that rserve is known to see in another way, in words for the table of
/// deliberate differences.
pub fn of(sent: &str) -> String {
    let mut traits = String::new();
    let hosts = sent.lines().filter_map(|line| line.split_once(':'));
    for (_, host) in hosts.filter(|(name, _)| name.trim().eq_ignore_ascii_case("host")) {
        let host = host.trim();
        let port = host.split_once(':').map(|(_, port)| port);
        let bad_port = |port: &str| !port.is_empty() && port.parse::<u16>().is_err();
        if host.contains(|c: char| !c.is_ascii() || "\"<>\\^`{}|#?@".contains(c)) {
            traits += "(odd host) ";
        } else if host.starts_with('[') || port.is_some_and(bad_port) {
            traits += "(odd port) ";
        } else if host.starts_with('.') {
            traits += "(empty label) ";
        }
    }
    let mut names: Vec<_> = sent
        .lines()
        .map(|line| line.split(':').next().unwrap_or(line).to_ascii_lowercase())
        .filter(|name| !name.is_empty() && !name.contains(' '))
        .collect();
    let count = names.len();
    names.sort();
    names.dedup();
    if names.len() < count {
        traits += "(field twice) ";
    }
    let coding = sent.to_ascii_lowercase();
    if coding.contains("transfer-encoding") {
        let chunks = coding.split_once("transfer-encoding").map_or("", |(_, rest)| rest);
        traits += if chunks.split("\r\n").any(|line| line.contains('\n')) {
            "(bare LF in chunks) "
        } else {
            "(chunks) "
        };
    }
    traits
}
