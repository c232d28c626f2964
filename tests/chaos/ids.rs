//! Where ids stand in the order of events.

use std::sync::{Mutex, PoisonError};

/// rserve's `EPOCH-SEQ` or `EPOCH-SEQ-NAME`. All are of the first one's epoch, as the zone outlives whatever happens
/// to processes; but a power cut ends an epoch.
#[derive(Default)]
pub struct Epochs {
    /// In the order in which they came up.
    known: Mutex<Vec<String>>,
    may_end: bool,
}

/// Bits of a place that tell the number in the zone; those above tell the epoch.
const NUMBER: u32 = 44;

/// The number in the zone that a place tells.
pub fn number(place: u64) -> u64 {
    place & ((1 << NUMBER) - 1)
}

impl Epochs {
    /// `may_end`: there are power cuts.
    pub fn new(may_end: bool) -> Epochs {
        Epochs { may_end, ..Epochs::default() }
    }

    /// The place of an id.
    pub fn place(&self, id: &str) -> Result<u64, String> {
        let (epoch, rest) = id.split_once('-').ok_or_else(|| format!("id {id:?}"))?;
        let place = rest.split('-').next().unwrap_or_default();
        // Numbers without leading zeros have the same order in any larger base.
        let place = u64::from_str_radix(place, 36).map_err(|e| format!("id {id:?}: {e}"))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match known.iter().position(|known| known == epoch) {
            Some(at) => at,
            None if known.is_empty() || self.may_end => {
                known.push(epoch.to_owned());
                known.len() - 1
            }
            None => return Err(format!("id {id} is of another epoch than {}", known[0])),
        };
        Ok((at as u64) << NUMBER | place)
    }
}

/// The id in rserve's answer to a publisher.
pub fn answered(body: &str) -> Option<String> {
    let (_, rest) = body.split_once("\"id\":\"")?;
    rest.split_once('"').map(|(id, _)| id.to_owned())
}

/// nchan's `SECONDS:NUMBER`. The ids of several channels (`SECONDS:[1],-,3`) are not compared.
pub fn nchan(id: &str) -> Result<Option<u64>, String> {
    let (seconds, number) = id.split_once(':').ok_or_else(|| format!("id {id:?}"))?;
    let seconds = seconds.parse::<u64>().map_err(|e| format!("id {id:?}: {e}"))?;
    Ok(number.parse::<u64>().ok().map(|number| (seconds << 20) + number))
}

#[test]
fn places_are_in_order() {
    let epoch = Epochs::default();
    let places = ["k3x9qa-9", "k3x9qa-17", "k3x9qa-100-name", "k3x9qa-1000"];
    let places = places.map(|id| epoch.place(id).expect("a place"));
    assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
    for wrong in ["other-17", "k3x9qa", "k3x9qa-", "k3x9qa-x?", ""] {
        assert!(epoch.place(wrong).is_err(), "{wrong}");
    }
    let epochs = Epochs::new(true);
    let places = ["k3x9qa-100", "other-17", "last-3"].map(|id| epochs.place(id).expect("a place"));
    assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
    assert_eq!(number(places[1]), number(epoch.place("k3x9qa-17").expect("a place")));
    let body = r#"{"id":"k3x9qa-17","channel":"news","subscribers":1}"#;
    assert_eq!(answered(body).as_deref(), Some("k3x9qa-17"));
    assert_eq!(answered("{}"), None);
}

#[test]
fn places_of_nchan() {
    assert!(nchan("17:2").expect("a place") < nchan("17:10").expect("a place"));
    assert!(nchan("17:10").expect("a place") < nchan("18:0").expect("a place"));
    assert_eq!(nchan("18:[0],-"), Ok(None));
    assert!(nchan("18").is_err());
}
