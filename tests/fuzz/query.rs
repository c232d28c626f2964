//! Arguments of a query.

use proto::query;

/// What was encoded is read as it was; names that are reserved never come through.
pub fn query(data: &[u8]) {
    let mut form = Vec::new();
    query::add(&mut form, "a", data);
    assert_eq!(query::get(&form, b"a").as_deref(), Some(data));
    let mut others = b"own=1".to_vec();
    query::add_others(&mut others, data, &["own"]);
    assert_eq!(query::arguments(&others).filter(|one| one.name == b"own").count(), 1);
    for argument in query::arguments(data) {
        let (name, value) = (query::decode(argument.name), argument.value.unwrap_or_default());
        let known = query::arguments(&others).any(|other| {
            query::decode(other.name) == name
                && query::decode(other.value.unwrap_or_default()) == query::decode(value)
        });
        assert!(known || name == b"own");
    }
}
