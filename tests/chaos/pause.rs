//! The one place where this test lets time pass: chaos needs moments that nobody can predict. Nothing
//! is synchronised by it; what must come is waited for with [`support::comes`].

use std::time::Duration;

use support::Random;

/// A pause of a random length up to `longest`.
pub fn up_to(longest: Duration, random: &mut Random) {
    let micros = longest.as_micros() as usize;
    if micros > 0 {
        std::thread::sleep(Duration::from_micros(random.below(micros) as u64));
    }
}
