//! `…_cache_path PATH keys_zone=NAME:SIZE …`

use std::path::PathBuf;

use conf::{Error, Setting, Word, value};

/// How fast files are looked through: so many, or for so long, and then nothing for a while. Times are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Files of one go.
    pub files: u64,
    /// Between two.
    pub sleep: u64,
    /// The longest one.
    pub threshold: u64,
}

/// What is said of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it is.
    pub path: PathBuf,
    /// Digits of the names of directories in it, from the end of a file's name.
    pub levels: Vec<usize>,
    /// Seconds after which what nobody has asked for goes.
    pub inactive: u64,
    /// Bytes of all files.
    pub max_size: Option<u64>,
    /// Bytes that stay free on the file system.
    pub min_free: u64,
    /// Bytes of answers that each worker has in memory.
    pub memory: u64,
    /// How the manager goes about it.
    pub manager: Rate,
    /// And the loader.
    pub loader: Rate,
}

/// Fewer bytes make no zone, as in nginx: two pages.
const SMALLEST: u64 = 2 * 4096;

/// Reads the directive. Gives the zone's name and size, too.
pub fn read(setting: &Setting<'_>) -> Result<(Settings, (Word, usize)), Error> {
    let rate = Rate { files: 100, sleep: 50, threshold: 200 };
    let mut settings = Settings {
        path: setting.path(0),
        levels: Vec::new(),
        inactive: 600,
        max_size: None,
        min_free: 0,
        memory: 4 << 20,
        manager: rate,
        loader: rate,
    };
    let mut zone = None;
    for i in 1..setting.args().len() {
        if let Some(named) = settings.set(setting, i)? {
            zone = Some(named);
        }
    }
    let missing =
        || setting.error(format!("\"{}\" must have \"keys_zone\" parameter", setting.name()));
    Ok((settings, zone.ok_or_else(missing)?))
}

impl Settings {
    fn set(&mut self, setting: &Setting<'_>, i: usize) -> Result<Option<(Word, usize)>, Error> {
        let word = &setting.args()[i];
        let invalid = |what: &str| setting.error_at(i, format!("invalid {what} \"{}\"", word.text));
        let (key, given) = word.text.split_once('=').unwrap_or((&word.text, ""));
        let rate = match key.split_once('_') {
            Some(("manager", of)) => Some((&mut self.manager, of)),
            Some(("loader", of)) => Some((&mut self.loader, of)),
            _ => None,
        };
        if let Some((rate, of)) = rate {
            let ms = || value::milliseconds(given).ok_or_else(|| invalid("value"));
            match of {
                "files" => {
                    let files = value::number(given).filter(|&files| files > 0);
                    rate.files = files.ok_or_else(|| invalid("value"))?;
                }
                "sleep" => rate.sleep = ms()?,
                "threshold" => rate.threshold = ms()?,
                _ => return Err(invalid("parameter")),
            }
            return Ok(None);
        }
        let size = |what| value::size(given).ok_or_else(|| invalid(what));
        match key {
            "levels" => self.levels = levels(given).ok_or_else(|| invalid("\"levels\""))?,
            "keys_zone" => return zone(setting, i, given).map(Some),
            "inactive" => {
                self.inactive = value::seconds(given).ok_or_else(|| invalid("inactive value"))?;
            }
            "max_size" => self.max_size = Some(size("max_size value")?),
            "min_free" => self.min_free = size("min_free value")?,
            "memory" => self.memory = size("memory value")?,
            // Files that have no name yet are where they will have one.
            "use_temp_path" => {
                value::flag(given).map(|_| ()).ok_or_else(|| invalid("use_temp_path value"))?
            }
            _ => return Err(invalid("parameter")),
        }
        Ok(None)
    }
}

/// Up to three times one or two, `1:2`.
fn levels(text: &str) -> Option<Vec<usize>> {
    let digits = |level: &str| level.parse().ok().filter(|digits| matches!(digits, 1 | 2));
    let levels: Option<Vec<usize>> = text.split(':').map(digits).collect();
    levels.filter(|levels| levels.len() <= 3)
}

fn zone(setting: &Setting<'_>, i: usize, given: &str) -> Result<(Word, usize), Error> {
    let word = &setting.args()[i];
    let invalid = || setting.error_at(i, format!("invalid keys zone size \"{}\"", word.text));
    let (name, size) = given.split_once(':').ok_or_else(invalid)?;
    let size = value::size(size).and_then(|size| usize::try_from(size).ok());
    let size = size.filter(|_| !name.is_empty()).ok_or_else(invalid)?;
    if (size as u64) < SMALLEST {
        return Err(setting.error_at(i, format!("zone \"{}\" is too small", word.text)));
    }
    Ok((Word { text: name.to_owned(), ..word.clone() }, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read() {
        assert_eq!(levels("1:2"), Some(vec![1, 2]));
        assert_eq!(levels("2:2:2"), Some(vec![2, 2, 2]));
        for wrong in ["", "3", "0", "1:", "1:1:1:1", "x"] {
            assert_eq!(levels(wrong), None, "{wrong}");
        }
    }
}
