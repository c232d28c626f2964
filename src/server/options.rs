//! The command line: nginx's options.

use std::ffi::OsString;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Options {
    /// What to do.
    pub action: Action,
    /// `-q`: say nothing but errors while testing.
    pub quiet: bool,
    /// `--lint`: look for traps while testing, too.
    pub lint: bool,
    /// `-p`: where relative paths start.
    pub prefix: Option<PathBuf>,
    /// `-c`: the configuration file, relative to the prefix.
    pub conf: Option<PathBuf>,
    /// `-e`: the error log until the configuration names one.
    pub error_log: Option<PathBuf>,
    /// `-g`: directives before those of the file.
    pub globals: String,
    /// The words that started this process, for the start of its successor.
    pub argv: Vec<OsString>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Serve.
    Run,
    /// `-h`, `-?`.
    Help,
    /// `-v`; with `build`, `-V`.
    Version {
        /// Show how it was built, too.
        build: bool,
    },
    /// `--directives`.
    Reference,
    /// `-t`; with `dump`, `-T`.
    Test {
        /// Print the configuration, too.
        dump: bool,
    },
    /// `-s`.
    Signal(Signal),
}

/// What `-s` sends to the running master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Stop at once.
    Stop,
    /// Finish what is being served.
    Quit,
    /// Reopen the log files.
    Reopen,
    /// Take the new configuration.
    Reload,
    /// Let the new binary take over.
    Upgrade,
    /// Take certificates whose files have changed.
    Certificates,
}

impl Options {
    /// Reads the command line. Letters may be joined (`-tq`), values too (`-cfile`), as with nginx.
    pub fn from_args(args: impl Iterator<Item = OsString>) -> Result<Options, String> {
        let argv: Vec<OsString> = args.collect();
        let mut options = Options {
            action: Action::Run,
            quiet: false,
            lint: false,
            prefix: None,
            conf: None,
            error_log: None,
            globals: String::new(),
            argv: argv.clone(),
        };
        let mut words = argv.into_iter().skip(1);
        while let Some(word) = words.next() {
            let text = word.to_string_lossy().into_owned();
            match text.as_str() {
                "--help" => {
                    options.action = Action::Help;
                    continue;
                }
                "--directives" => {
                    options.action = Action::Reference;
                    continue;
                }
                "--lint" => {
                    options.lint = true;
                    continue;
                }
                "--version" => {
                    options.action = Action::Version { build: false };
                    continue;
                }
                _ => {}
            }
            let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                return Err(format!("invalid option: \"{text}\""));
            };
            options.letters(letters, &mut words)?;
        }
        if options.lint && !matches!(options.action, Action::Test { .. }) {
            return Err("option \"--lint\" is for \"-t\" and \"-T\"".to_owned());
        }
        Ok(options)
    }

    fn letters(
        &mut self,
        letters: &str,
        words: &mut impl Iterator<Item = OsString>,
    ) -> Result<(), String> {
        for (at, letter) in letters.char_indices() {
            let rest = &letters[at + letter.len_utf8()..];
            let mut value = |what: &str| match rest {
                "" => words.next().ok_or_else(|| format!("option \"-{letter}\" requires {what}")),
                rest => Ok(OsString::from(rest)),
            };
            match letter {
                '?' | 'h' => self.action = Action::Help,
                'v' => self.action = Action::Version { build: false },
                'V' => self.action = Action::Version { build: true },
                't' => self.action = Action::Test { dump: false },
                'T' => self.action = Action::Test { dump: true },
                'q' => self.quiet = true,
                'p' => self.prefix = Some(value("directory name")?.into()),
                'c' => self.conf = Some(value("file name")?.into()),
                'e' => self.error_log = Some(value("file name")?.into()),
                'g' => {
                    self.globals = value("parameter")?
                        .into_string()
                        .map_err(|_| "option \"-g\" requires text in UTF-8".to_owned())?;
                }
                's' => {
                    let name = value("parameter")?.to_string_lossy().into_owned();
                    self.action = Action::Signal(Signal::named(&name)?);
                }
                _ => return Err(format!("invalid option: \"{letter}\"")),
            }
            if "pcegs".contains(letter) {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Signal {
    fn named(name: &str) -> Result<Signal, String> {
        match name {
            "stop" => Ok(Signal::Stop),
            "quit" => Ok(Signal::Quit),
            "reopen" => Ok(Signal::Reopen),
            "reload" => Ok(Signal::Reload),
            "upgrade" => Ok(Signal::Upgrade),
            "certificates" => Ok(Signal::Certificates),
            _ => Err(format!("invalid option: \"-s {name}\"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Options, String> {
        Options::from_args(["rserve"].iter().chain(words).map(OsString::from))
    }

    #[test]
    fn letters_and_values_may_be_joined() {
        let options = parse(&["-tq", "-cx.conf", "-p", "/srv", "-g", "daemon off;"]).expect("ok");
        assert_eq!(options.action, Action::Test { dump: false });
        assert!(options.quiet);
        assert_eq!(options.conf, Some(PathBuf::from("x.conf")));
        assert_eq!(options.prefix, Some(PathBuf::from("/srv")));
        assert_eq!(options.globals, "daemon off;");
        assert!(!options.lint && parse(&["--lint", "-t"]).expect("ok").lint);
    }

    #[test]
    fn faults_are_named() {
        let error = |words: &[&str]| parse(words).map(|_| ()).expect_err("a fault");
        assert_eq!(error(&["-x"]), "invalid option: \"x\"");
        assert_eq!(error(&["file"]), "invalid option: \"file\"");
        assert_eq!(error(&["-c"]), "option \"-c\" requires file name");
        assert!(error(&["--lint"]).contains("is for \"-t\""));
        assert_eq!(error(&["-s", "go"]), "invalid option: \"-s go\"");
    }
}
