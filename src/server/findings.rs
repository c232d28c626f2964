//! What `-t` has found: every refusal and every warning of a configuration, those of one reason together.
//!
//! ```text
//! rserve: [emerg] not served: rserve does not speak FastCGI yet
//!     fastcgi_pass    conf/site.conf:12, 30
//!     fastcgi_param   conf/site.conf:13, 14 and 5 more
//! rserve: serves 41 of 43 directives; not yet: fastcgi_param, fastcgi_pass
//! ```

use conf::Error;

use crate::NAME;

/// So many lines of a directive are named.
const MOST_PLACES: usize = 8;

/// What a thorough look at a configuration has found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What stops it from being served.
    pub faults: Vec<Error>,
    /// What does not.
    pub warnings: Vec<Error>,
    /// How many directives there are.
    pub directives: usize,
}

impl Findings {
    /// The lines that tell of it all, a fault that stands alone with its line and caret.
    pub fn report(&self) -> String {
        let mut text = String::new();
        for (level, errors) in [("warn", &self.warnings), ("emerg", &self.faults)] {
            let groups = group(errors);
            for group in groups {
                match group {
                    Group { errors, .. } if errors.len() == 1 => {
                        text.push_str(&format!("{NAME}: [{level}] {}\n", errors[0].render()));
                    }
                    Group { why: Some(why), errors } => {
                        let what = if level == "warn" { "no effect" } else { "not served" };
                        text.push_str(&format!("{NAME}: [{level}] {what}: {why}\n"));
                        text.push_str(&places(&errors));
                    }
                    Group { why: None, errors } => {
                        let rendered = errors.iter().map(|error| error.render());
                        rendered.for_each(|error| {
                            text.push_str(&format!("{NAME}: [{level}] {error}\n"));
                        });
                    }
                }
            }
        }
        text + &self.summary()
    }

    /// How much of it is served, if some of it is not.
    fn summary(&self) -> String {
        let gaps: Vec<_> = self.faults.iter().filter_map(Error::lack).collect();
        if gaps.is_empty() {
            return String::new();
        }
        let lost: usize = gaps.iter().map(|lack| lack.directives).sum();
        let mistakes = self.faults.len() - gaps.len();
        let mut names: Vec<&str> = gaps.iter().map(|lack| lack.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let (all, names) = (self.directives, names.join(", "));
        let served = all.saturating_sub(lost + mistakes);
        let mistakes = match mistakes {
            0 => String::new(),
            1 => "; 1 mistake".to_owned(),
            more => format!("; {more} mistakes"),
        };
        format!("{NAME}: serves {served} of {all} directives; not yet: {names}{mistakes}\n")
    }
}

/// What has one reason.
struct Group<'a> {
    why: Option<&'a str>,
    errors: Vec<&'a Error>,
}

/// Those of one reason together, in the order of their first; a mistake is a group of its own.
fn group(errors: &[Error]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for error in errors {
        let why = error.lack().map(|lack| lack.why.as_str());
        let known = groups.iter_mut().find(|group| why.is_some() && group.why == why);
        match known {
            Some(group) => group.errors.push(error),
            None => groups.push(Group { why, errors: vec![error] }),
        }
    }
    groups
}

/// A line for each directive and file: `    proxy_pass   conf/site.conf:12, 30`.
fn places(errors: &[&Error]) -> String {
    let mut rows: Vec<(&str, &str, Vec<u32>)> = Vec::new();
    for error in errors {
        let (Some(lack), Some(place)) = (error.lack(), error.place()) else { continue };
        let (name, file) = (lack.name.as_str(), place.file.as_str());
        match rows.iter_mut().find(|row| (row.0, row.1) == (name, file)) {
            // A file that is included twice is named once.
            Some(row) if row.2.contains(&place.span.line) => {}
            Some(row) => row.2.push(place.span.line),
            None => rows.push((name, file, vec![place.span.line])),
        }
    }
    let width = rows.iter().map(|row| row.0.len()).max().unwrap_or(0);
    let row = |(name, file, lines): &(&str, &str, Vec<u32>)| {
        let shown: Vec<String> = lines.iter().take(MOST_PLACES).map(u32::to_string).collect();
        let more = match lines.len().saturating_sub(MOST_PLACES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("    {name:width$}   {file}:{}{more}\n", shown.join(", "))
    };
    rows.iter().map(row).collect()
}
