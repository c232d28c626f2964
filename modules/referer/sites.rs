//! What `valid_referers` names.

use std::cell::RefCell;

use conf::{Error, Word};
use http::route::hosts::Name;
use http::route::regex::{Captures, GaveUp};
use http::{Conflict, Hooks, Patterns, Regex};
use mem::Str;

/// Sites.
#[derive(Default)]
pub struct Sites {
    /// Who comes from no page is taken.
    pub none: bool,
    /// Who comes from what is no page is taken.
    pub blocked: bool,
    /// Hosts, and how the path must begin.
    hosts: Patterns<Box<[u8]>>,
    /// From the host on.
    regexes: Vec<Regex>,
    /// Of the host.
    server_names: Vec<Regex>,
    captures: RefCell<Captures>,
}

impl Sites {
    /// Reads the words.
    pub fn compile(words: &[Word], hooks: &Hooks<'_, '_>) -> Result<Sites, Error> {
        let mut sites = Sites::default();
        let mut named = false;
        for word in words {
            match &*word.text {
                "" => return Err(hooks.error(word, "invalid referer \"\"")),
                "none" => sites.none = true,
                "blocked" => sites.blocked = true,
                "server_names" => {
                    named = true;
                    sites.add_server_names(hooks)?;
                }
                text => match text.strip_prefix('~') {
                    Some("") => return Err(hooks.error(word, "empty regex in \"~\"")),
                    Some(pattern) => sites.regexes.push(hooks.regex(word, pattern, true)?),
                    None => {
                        named = true;
                        sites.add_host(word, text, hooks)?;
                    }
                },
            }
        }
        if (sites.none || sites.blocked) && !named {
            let message = "the \"none\" or \"blocked\" referers are specified in the \"valid_referers\" directive without any valid referer";
            return Err(hooks.error(&words[0], message));
        }
        Ok(sites)
    }

    fn add_host(&mut self, word: &Word, text: &str, hooks: &Hooks<'_, '_>) -> Result<(), Error> {
        let (host, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        let invalid = || hooks.error(word, format!("invalid hostname or wildcard \"{host}\""));
        if host.matches('*').count() > 1 || host.contains("..") {
            return Err(invalid());
        }
        let name = Name::parse(host).map_err(|_| invalid())?;
        if matches!(&name, Name::Exact(name) if name.contains('*')) {
            return Err(invalid());
        }
        let path = conf::text::bytes(path);
        let conflict = |Conflict| hooks.error(word, format!("conflicting parameter \"{host}\""));
        self.add(&name, &path).map_err(conflict)
    }

    /// The names of the server; one that has been written, too, stays as it is.
    fn add_server_names(&mut self, hooks: &Hooks<'_, '_>) -> Result<(), Error> {
        for word in &hooks.server_names {
            match Name::parse(&word.text) {
                Ok(Name::Regex(pattern)) => {
                    self.server_names.push(hooks.regex(word, &pattern, true)?);
                }
                Ok(name) => drop(self.add(&name, b"")),
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &Name, path: &[u8]) -> Result<(), Conflict> {
        match name {
            Name::Exact(name) => self.hosts.add_word(&conf::text::bytes(name), path.into()),
            Name::Suffix(suffix, also_bare) => {
                let domain = conf::text::bytes(suffix.trim_start_matches('.'));
                if *also_bare {
                    self.hosts.add_word(&domain, path.into())?;
                }
                self.hosts.add_suffix(&domain, path.into())
            }
            Name::Prefix(prefix) => {
                let labels = conf::text::bytes(prefix.trim_end_matches('.'));
                self.hosts.add_prefix(&labels, path.into())
            }
            Name::Regex(_) => Ok(()),
        }
    }

    /// Whether a page is of one of the sites; `rest` is its address from the host on.
    pub fn accepts(&self, host: &[u8], path: &[u8], rest: &Str) -> Result<bool, GaveUp> {
        if let Some(start) = self.hosts.find(host) {
            return Ok(path.starts_with(start));
        }
        // As in nginx what they capture is nobody's.
        let captures = &mut self.captures.borrow_mut();
        for regex in &self.server_names {
            if regex.matches(&Str::copy(host), captures)? {
                return Ok(true);
            }
        }
        for regex in &self.regexes {
            if regex.matches(rest, captures)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
