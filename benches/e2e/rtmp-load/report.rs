//! A round in a line of JSON.

use std::fmt;

use crate::histogram::Histogram;
use crate::tally::Tally;

/// What a round has shown.
pub struct Report(Vec<(String, f64)>);

impl Report {
    /// `busy`: the part of the time in which this process had the processor; near 1 it measured itself.
    pub fn of(tally: &Tally, seconds: f64, busy: f64) -> Report {
        let mut report = Report(Vec::new());
        for (name, count) in [
            ("messages", tally.messages),
            ("video", tally.video),
            ("bytes", tally.bytes),
            ("published", tally.published),
            ("missing", tally.missing),
            ("duplicates", tally.duplicates),
            ("backwards", tally.backwards),
            ("undecodable", tally.undecodable),
            ("strange", tally.strange),
            ("restarts", tally.restarts),
            ("errors", tally.errors),
            ("silence_us", tally.silence / 1000),
        ] {
            report.add(name, count as f64);
        }
        report.add("seconds", seconds);
        report.add("busy", busy);
        report.add_times("latency", &tally.times);
        report
    }

    /// With one more figure.
    pub fn add(&mut self, name: &str, value: f64) {
        self.0.push((name.to_owned(), value));
    }

    /// With what is to be known of many times.
    pub fn add_times(&mut self, name: &str, times: &Histogram) {
        for (part, value) in
            [("p50", times.quantile(0.5)), ("p99", times.quantile(0.99)), ("max", times.max())]
        {
            self.add(&format!("{name}_{part}_us"), (value / 1000) as f64);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = |(name, value): &(String, f64)| match value.fract() == 0.0 {
            true => format!("\"{name}\": {value}"),
            false => format!("\"{name}\": {value:.3}"),
        };
        let fields: Vec<String> = self.0.iter().map(field).collect();
        write!(f, "{{{}}}", fields.join(", "))
    }
}
