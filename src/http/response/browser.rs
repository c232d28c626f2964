//! What some browsers were given special treatment for, by nginx's tests of `User-Agent`.

use proto::http1::Name;

use crate::request::Request;

/// Internet Explorer up to its tenth version.
pub fn is_msie(request: &Request) -> bool {
    let agent = request.header(Name::UserAgent).unwrap_or_default();
    let msie = find(agent, b"MSIE ").is_some_and(|at| at + 7 < agent.len());
    msie && find(agent, b"Opera").is_none()
}

/// It shows a page of its own instead of an error's page that is shorter than 512 bytes.
pub fn hides_short_pages(request: &Request) -> bool {
    let agent = request.header(Name::UserAgent).unwrap_or_default();
    let chrome = || find(agent, b"Gecko/").is_none() && find(agent, b"Chrome/").is_some();
    is_msie(request) || find(agent, b"Opera").is_none() && chrome()
}

fn find(agent: &[u8], word: &[u8]) -> Option<usize> {
    agent.windows(word.len()).position(|part| part == word)
}
