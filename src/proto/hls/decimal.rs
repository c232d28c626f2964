//! Numbers in playlists.

/// Seconds with as many places as tell a sample of sound from the next.
pub fn decimal((units, scale): (u64, u32)) -> String {
    let micros = (u128::from(units) * 1_000_000 + u128::from(scale / 2)) / u128::from(scale.max(1));
    let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
    match rest % 1000 {
        0 => format!("{whole}.{:03}", rest / 1000),
        _ => format!("{whole}.{rest:06}"),
    }
}

/// Milliseconds as seconds.
pub fn millis(ms: u64) -> String {
    decimal((ms, 1000))
}
