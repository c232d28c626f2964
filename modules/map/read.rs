//! A `map` block as it is written.

use conf::{Error, Setting, Word};

/// What is written of a map.
pub struct Written {
    /// What is looked up.
    pub source: Word,
    /// `$name`
    pub variable: Word,
    /// `default`
    pub default: Option<Word>,
    /// Words may be hosts' patterns.
    pub hostnames: bool,
    /// Its value is looked up each time.
    pub volatile: bool,
    /// What the source may be, and the value then.
    pub lines: Vec<(Word, Word)>,
}

/// Reads a `map` directive.
pub fn map(setting: &Setting<'_>) -> Result<Written, Error> {
    let [source, variable] = setting.args() else {
        return Err(setting.error("map takes a source and a variable"));
    };
    let mut written = Written {
        source: source.clone(),
        variable: variable.clone(),
        default: None,
        hostnames: false,
        volatile: false,
        lines: Vec::new(),
    };
    for node in setting.block() {
        let line = Setting::new(node, setting.context(), setting.env());
        if node.block.is_some() {
            return Err(line.error("a line of a map is a word and a value"));
        }
        match (node.name.text.as_str(), &node.args[..]) {
            ("hostnames", []) => written.hostnames = true,
            ("volatile", []) => written.volatile = true,
            ("default", [value]) => {
                if written.default.replace(value.clone()).is_some() {
                    return Err(line.error("duplicate default map parameter"));
                }
            }
            (_, [value]) => written.lines.push((node.name.clone(), value.clone())),
            _ => return Err(line.error("invalid number of the map parameters")),
        }
    }
    Ok(written)
}
