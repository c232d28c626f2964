//! Times by the million in little memory: buckets that are a 32nd of their value wide.

/// Bits of a value that are kept behind its highest one.
const BITS: u32 = 5;
const STEPS: usize = 1 << BITS;

/// How often which time was seen.
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Histogram {
    /// An empty one.
    pub fn new() -> Histogram {
        Histogram { buckets: vec![0; STEPS * (66 - BITS as usize)], count: 0, max: 0 }
    }

    /// Adds a value.
    pub fn add(&mut self, value: u64) {
        self.buckets[bucket(value)] += 1;
        self.count += 1;
        self.max = self.max.max(value);
    }

    /// The value that `part` of all do not exceed, to a 32nd.
    pub fn quantile(&self, part: f64) -> u64 {
        let wanted = (part * self.count as f64).ceil() as u64;
        let mut seen = 0;
        let reached = |&count: &u64| {
            seen += count;
            seen >= wanted.max(1)
        };
        self.buckets.iter().position(reached).map_or(0, |found| lowest(found).min(self.max))
    }

    /// The largest.
    pub fn max(&self) -> u64 {
        self.max
    }
}

fn bucket(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(BITS + 1);
    STEPS * shift as usize + (value >> shift) as usize
}

fn lowest(bucket: usize) -> u64 {
    let shift = (bucket / STEPS).saturating_sub(1);
    ((bucket - STEPS * shift) as u64) << shift
}

#[test]
fn buckets_are_in_order_and_narrow() {
    let mut last = 0;
    for value in (0..100_000).chain((16..62).map(|shift| 3 << shift)).chain([u64::MAX]) {
        let low = lowest(bucket(value));
        assert!(low <= value && value - low <= value / STEPS as u64, "{value} {low}");
        assert!(bucket(value) >= last, "{value}");
        last = bucket(value);
    }
}

#[test]
fn quantiles() {
    let mut all = Histogram::new();
    assert_eq!((all.quantile(0.5), all.max()), (0, 0));
    (1..=1000).for_each(|value| all.add(value));
    assert!((485..=500).contains(&all.quantile(0.5)), "{}", all.quantile(0.5));
    assert!((960..=990).contains(&all.quantile(0.99)));
    assert_eq!(all.max(), 1000);
}
