//! Which fields of an answer are passed on.

/// What is said to this server, in all families.
const ACCEL: [&str; 5] = [
    "X-Accel-Expires",
    "X-Accel-Redirect",
    "X-Accel-Limit-Rate",
    "X-Accel-Buffering",
    "X-Accel-Charset",
];

/// The names of fields that are not passed on.
pub struct Hidden(Vec<Vec<u8>>);

impl Hidden {
    /// Those that a family hides by itself and those of `hide`, without those of `pass`.
    pub fn new(usual: &[&str], hide: &[String], pass: &[String]) -> Hidden {
        let is_passed = |name: &str| pass.iter().any(|passed| passed.eq_ignore_ascii_case(name));
        let usual = ACCEL.iter().chain(usual).copied().filter(|name| !is_passed(name));
        let all = usual.chain(hide.iter().map(String::as_str).filter(|name| !is_passed(name)));
        Hidden(all.map(|name| name.to_ascii_lowercase().into_bytes()).collect())
    }

    /// Whether it is not passed on.
    pub fn has(&self, name: &[u8]) -> bool {
        self.0.iter().any(|hidden| hidden.eq_ignore_ascii_case(name))
    }
}
