//! What stands once in a request.

use http::Request;
use mem::Str;
use proto::query;

/// A field of the header that may stand there once.
pub fn single(request: &Request, names: &[&str]) -> Result<Option<Str>, &'static str> {
    let mut all = names.iter().flat_map(|name| request.headers_named(name));
    let value = all.next().and_then(|value| request.bytes.slice_of(value));
    match all.next() {
        None => Ok(value),
        Some(_) => Err("a field of the event stands there twice"),
    }
}

/// An argument of the query that may stand there once.
pub fn argument_once(request: &mut Request, name: &str) -> Result<Option<Str>, &'static str> {
    let args = request.args.clone();
    let mut all = query::arguments(&args).filter(|argument| argument.name == name.as_bytes());
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => {
            Ok(Some(request.pool.copy(&query::decode(one.value.unwrap_or_default()))))
        }
        (Some(_), Some(_)) => Err("an argument for the event stands there twice"),
    }
}
