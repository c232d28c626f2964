//! Configurations: the part that every test would repeat.

/// A configuration with one server on `{port}`: `body` is what stands in it. Its files are in
/// `{dir}/html`.
pub fn site(body: &str) -> String {
    http(&format!("server {{ listen 127.0.0.1:{{port}};\n{body}\n}}"))
}

/// A configuration with an `http` block: `body` is what stands in it.
pub fn http(body: &str) -> String {
    format!("http {{ access_log logs/access.log combined buffer=0;\n{body}\n}}\n")
}

/// `conf` with those of `lines` before it whose directives it does not have itself. They stand on
/// its first line: the numbers of lines stay.
pub fn complete(conf: &str, lines: &[&str]) -> String {
    let has = |name: &str| {
        let word = |part: &str| {
            part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name)
        };
        conf.lines().any(word)
    };
    let missing = lines.iter().filter(|line| !has(line.split(' ').next().unwrap_or(line)));
    let mut text: String = missing.copied().collect();
    text.push_str(conf);
    text
}

/// Puts values for the placeholders.
pub fn fill(conf: &str, dir: &std::path::Path, ports: [u16; 2]) -> String {
    conf.replace("{port}", &ports[0].to_string())
        .replace("{port2}", &ports[1].to_string())
        .replace("{dir}", &dir.to_string_lossy())
}
