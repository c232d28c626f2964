//! Values of ranges of addresses. A range may lie in another: it is cut out of that. None may only overlap another.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use mem::Str;

/// Ranges that do not overlap, by their first address: the last one, and the value.
#[derive(Default)]
pub struct Ranges(BTreeMap<u32, (u32, Str)>);

/// What became of a range.
#[derive(Debug, PartialEq, Eq)]
pub enum Added {
    /// It has its value.
    New,
    /// It had this one before.
    Replaced(Str),
    /// It overlaps this one.
    Overlaps(Ipv4Addr, Ipv4Addr),
}

impl Ranges {
    /// Gives a range a value.
    pub fn insert(&mut self, first: u32, last: u32, value: Str) -> Added {
        let Some((&start, (end, old))) = self.0.range(..=last).next_back() else {
            self.0.insert(first, (last, value));
            return Added::New;
        };
        let (end, old) = (*end, old.clone());
        if end < first {
            self.0.insert(first, (last, value));
            return Added::New;
        }
        if start > first || end < last {
            return Added::Overlaps(start.into(), end.into());
        }
        let same = (start, end) == (first, last);
        self.0.insert(first, (last, value));
        if start < first {
            self.0.insert(start, (first - 1, old.clone()));
        }
        if end > last {
            self.0.insert(last + 1, (end, old.clone()));
        }
        if same { Added::Replaced(old) } else { Added::New }
    }

    /// Takes a range's value away; says whether there was just this range.
    pub fn remove(&mut self, first: u32, last: u32) -> bool {
        let same = self.0.get(&first).is_some_and(|(end, _)| *end == last);
        same && self.0.remove(&first).is_some()
    }

    /// The value of an address.
    pub fn find(&self, ip: IpAddr) -> Option<&Str> {
        let IpAddr::V4(ip) = ip else { return None };
        let (_, (end, value)) = self.0.range(..=u32::from(ip)).next_back()?;
        (u32::from(ip) <= *end).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(ranges: &Ranges) -> Vec<(u32, u32, String)> {
        ranges.0.iter().map(|(first, (last, value))| (*first, *last, value.to_string())).collect()
    }

    #[test]
    fn a_range_is_cut_out_of_one_around_it() {
        let mut ranges = Ranges::default();
        assert_eq!(ranges.insert(10, 19, "a".into()), Added::New);
        assert_eq!(ranges.insert(30, 39, "b".into()), Added::New);
        assert_eq!(ranges.insert(12, 14, "c".into()), Added::New);
        assert_eq!(ranges.insert(30, 31, "d".into()), Added::New);
        assert_eq!(ranges.insert(39, 39, "e".into()), Added::New);
        assert_eq!(ranges.insert(12, 14, "f".into()), Added::Replaced("c".into()));
        let expected = [
            (10, 11, "a"),
            (12, 14, "f"),
            (15, 19, "a"),
            (30, 31, "d"),
            (32, 38, "b"),
            (39, 39, "e"),
        ];
        assert_eq!(
            shown(&ranges),
            expected.map(|(first, last, value)| (first, last, value.to_owned()))
        );
        let overlaps = |first: u32, last: u32| Added::Overlaps(first.into(), last.into());
        assert_eq!(ranges.insert(18, 25, "x".into()), overlaps(15, 19));
        assert_eq!(ranges.insert(5, 10, "x".into()), overlaps(10, 11));
        assert_eq!(ranges.insert(0, 50, "x".into()), overlaps(39, 39));
        assert!(ranges.remove(12, 14) && !ranges.remove(15, 18));
        assert_eq!(ranges.find(IpAddr::V4(13.into())), None);
        assert_eq!(ranges.find(IpAddr::V4(15.into())), Some(&Str::from("a")));
        assert_eq!(ranges.find(IpAddr::V4(40.into())), None);
    }

    #[test]
    fn the_last_address_of_all_is_one() {
        let mut ranges = Ranges::default();
        assert_eq!(ranges.insert(0, u32::MAX, "all".into()), Added::New);
        assert_eq!(ranges.insert(u32::MAX, u32::MAX, "last".into()), Added::New);
        assert_eq!(ranges.find(IpAddr::V4(Ipv4Addr::BROADCAST)), Some(&Str::from("last")));
        assert_eq!(ranges.find(IpAddr::V4(1.into())), Some(&Str::from("all")));
    }
}
