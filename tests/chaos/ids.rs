//! Where ids stand in the order of events.

use std::sync::OnceLock;

/// rserve's `EPOCH-SEQ` or `EPOCH-SEQ-NAME`. All are of the first one's epoch: the zone outlives
/// whatever happens to processes.
#[derive(Default)]
pub struct Epoch(OnceLock<String>);

impl Epoch {
    /// The place of an id.
    pub fn place(&self, id: &str) -> Result<u64, String> {
        let (epoch, rest) = id.split_once('-').ok_or_else(|| format!("id {id:?}"))?;
        let place = rest.split('-').next().unwrap_or_default();
        let known = self.0.get_or_init(|| epoch.to_owned());
        if known != epoch {
            return Err(format!("id {id} is of another epoch than {known}"));
        }
        // Numbers without leading zeros have the same order in any larger base.
        u64::from_str_radix(place, 36).map_err(|e| format!("id {id:?}: {e}"))
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
    let epoch = Epoch::default();
    let places = ["k3x9qa-9", "k3x9qa-17", "k3x9qa-100-name", "k3x9qa-1000"];
    let places = places.map(|id| epoch.place(id).expect("a place"));
    assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
    for wrong in ["other-17", "k3x9qa", "k3x9qa-", "k3x9qa-x?", ""] {
        assert!(epoch.place(wrong).is_err(), "{wrong}");
    }
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
