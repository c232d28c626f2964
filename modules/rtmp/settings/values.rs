//! Where directives may stand, and values that several of them have. Units: times are milliseconds, sizes bytes.

use std::ops::RangeInclusive;

use conf::{Contexts, Error, Setting, contexts};

/// `rtmp {}` and `server {}`.
pub const OUTER: Contexts = contexts!(RTMP | RTMP_SERVER);
/// These and `application {}`.
pub const ANY: Contexts = contexts!(RTMP | RTMP_SERVER | APPLICATION);

/// A number between two bounds.
pub fn bounded(
    setting: &Setting<'_>,
    value: u64,
    bounds: RangeInclusive<u64>,
) -> Result<u64, Error> {
    if !bounds.contains(&value) {
        let (low, high) = bounds.into_inner();
        return Err(setting.invalid(0, "value").with_hint(format!("from {low} to {high}")));
    }
    Ok(value)
}

/// A time, or `off`.
pub fn time_or_off(setting: &Setting<'_>) -> Result<u64, Error> {
    match setting.arg(0) {
        "off" => Ok(0),
        _ => setting.time_ms(0),
    }
}

/// Accepted for nginx-rtmp's users: what it asks for is so anyway.
pub fn always<C>(_: &mut C, _: &Setting<'_>) -> Result<(), Error> {
    Ok(())
}
