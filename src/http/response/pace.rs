//! `limit_rate`: how fast an answer goes out.

use crate::request::Request;

/// What comes of it for one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Bytes in a second; 0: as fast as it goes.
    rate: u64,
    /// Bytes that are not counted.
    after: u64,
}

/// So often in a second something is sent.
const STEPS: u64 = 10;

impl Pace {
    /// Of the answer to a request.
    pub fn of(request: &mut Request) -> Pace {
        let words = &request.location().words;
        let rate = match request.limit_rate {
            Some(rate) => rate,
            None => words.rate.of(request),
        };
        match rate {
            0 => Pace::default(),
            rate => Pace { rate, after: words.rate_after.of(request) },
        }
    }

    /// Whether it is limited.
    pub fn is_limited(&self) -> bool {
        self.rate > 0
    }

    /// How many bytes may go out now, `ms` milliseconds after the request has begun, of which `sent` have; `left` are to
    /// be sent. The error: none now, but in so many milliseconds.
    pub fn share(&self, ms: u64, sent: u64, left: u64) -> Result<u64, u64> {
        if self.rate == 0 {
            return Ok(u64::MAX);
        }
        // As nginx: a second's share is there from the beginning.
        let allowed = u128::from(self.rate) * u128::from(ms + 1000) / 1000 + u128::from(self.after);
        let allowed = u64::try_from(allowed).unwrap_or(u64::MAX).saturating_sub(sent);
        let step = (self.rate / STEPS).max(1).min(left);
        match allowed >= step {
            true => Ok(allowed),
            false => Err(((step - allowed) * 1000 / self.rate).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_there_at_once_and_then_it_comes_by_steps() {
        let pace = Pace { rate: 1000, after: 500 };
        assert_eq!(pace.share(0, 0, 9000), Ok(1500));
        assert_eq!(pace.share(0, 1500, 9000), Err(100));
        assert_eq!(pace.share(100, 1500, 9000), Ok(100));
        assert_eq!(pace.share(50, 1500, 9000), Err(50));
        // The last bytes do not wait for a whole step.
        assert_eq!(pace.share(5, 1500, 3), Ok(5));
        assert_eq!(Pace::default().share(0, u64::MAX, 1), Ok(u64::MAX));
        assert_eq!(
            Pace { rate: u64::MAX, after: u64::MAX }.share(u64::MAX - 1000, 0, 1),
            Ok(u64::MAX)
        );
        // Slower than a byte in each step.
        let slow = Pace { rate: 1, after: 0 };
        assert_eq!((slow.share(0, 0, 5), slow.share(0, 1, 5)), (Ok(1), Err(1000)));
    }
}
