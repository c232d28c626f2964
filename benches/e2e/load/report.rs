//! One line of JSON.

use std::fmt;

use crate::tally::Tally;

/// What a round has shown.
pub struct Report(Vec<(&'static str, f64)>);

impl Report {
    /// `expected`: deliveries that the publishes should make. `busy`: the part of the time in which
    /// this process had the processor; near 1 it measured itself.
    pub fn of(tally: &Tally, published: u64, expected: u64, seconds: f64, busy: f64) -> Report {
        let micros = |nanoseconds: u64| (nanoseconds / 1000) as f64;
        Report(vec![
            ("deliveries", tally.deliveries as f64),
            ("expected", expected as f64),
            ("publishes", published as f64),
            ("answers", tally.answers as f64),
            ("seconds", seconds),
            ("p50_us", micros(tally.times.quantile(0.5))),
            ("p99_us", micros(tally.times.quantile(0.99))),
            ("max_us", micros(tally.times.max())),
            ("errors", tally.errors as f64),
            ("busy", busy),
        ])
    }

    /// With the number of joins.
    pub fn with_joins(mut self, joins: usize) -> Report {
        self.0.insert(0, ("joins", joins as f64));
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = |(name, value): &(&str, f64)| match value.fract() == 0.0 {
            true => format!("\"{name}\": {value}"),
            false => format!("\"{name}\": {value:.3}"),
        };
        let fields: Vec<String> = self.0.iter().map(field).collect();
        write!(f, "{{{}}}", fields.join(", "))
    }
}
