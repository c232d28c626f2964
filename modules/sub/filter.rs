//! Whether texts are replaced in an answer, and what its header says then.

use std::rc::Rc;

use http::{Body, BodyFilter, Filter, LogLevel, MediaTypes, Request, Template};
use mem::Str;

use crate::replace::{Replacer, Texts};

/// A body that may become longer than this is not changed at once.
const MUCH: u64 = 1 << 20;

/// What is replaced by what.
pub struct Pair {
    pub text: Template,
    pub by: Template,
}

/// In which answers.
pub struct Headers {
    pairs: Vec<Pair>,
    types: MediaTypes,
    last_modified: bool,
    /// If none of them has a variable in it.
    texts: Option<Rc<Texts>>,
}

/// How.
pub struct Bodies {
    pub once: bool,
}

/// It was decided to replace these.
#[derive(Default)]
struct Replacing(Option<(Rc<Texts>, Vec<Str>)>);

impl Headers {
    /// The error: the texts are too many, or too long.
    pub fn new(
        pairs: Vec<Pair>,
        types: MediaTypes,
        last_modified: bool,
    ) -> Result<Headers, String> {
        let written: Option<Vec<&[u8]>> =
            pairs.iter().map(|pair| pair.text.as_literal().map(|text| &text[..])).collect();
        let texts = written.map(|texts| Texts::new(texts.into_iter())).transpose()?.map(Rc::new);
        Ok(Headers { pairs, types, last_modified, texts })
    }

    /// What is replaced in the answer to this request; none that is empty.
    fn replaced(&self, request: &mut Request) -> Option<(Rc<Texts>, Vec<Str>)> {
        let (mut texts, mut by) = (Vec::new(), Vec::new());
        for pair in &self.pairs {
            let text = pair.text.evaluate(request);
            if !text.is_empty() {
                texts.push(text);
                by.push(pair.by.evaluate(request));
            }
        }
        if texts.is_empty() {
            return None;
        }
        if let Some(texts) = &self.texts {
            return Some((texts.clone(), by));
        }
        match Texts::new(texts.iter().map(|text| &text[..])) {
            Ok(texts) => Some((Rc::new(texts), by)),
            Err(why) => {
                request.error(LogLevel::Error, format_args!("nothing is replaced: {why}"));
                None
            }
        }
    }
}

impl Filter for Headers {
    fn header(&self, request: &mut Request) -> Option<u16> {
        let response = &request.response;
        let wanted = !response.streaming && !response.has_no_body() && self.types.has(response);
        let replaced = if wanted { self.replaced(request) } else { None };
        let wanted = replaced.is_some();
        if wanted || request.known_context::<Replacing>().is_some() {
            request.context::<Replacing>().0 = replaced;
        }
        if wanted && !request.is_subrequest() {
            request.response.change_body();
            request.response.change_version(self.last_modified);
        }
        None
    }
}

impl BodyFilter for Bodies {
    fn body(&self, request: &mut Request, body: Body) -> Body {
        let replaced = request.known_context::<Replacing>().and_then(|known| known.0.clone());
        let Some((texts, by)) = replaced else { return body };
        let replacer = Replacer::new(texts, by, self.once);
        let body = body.by_threads(request.location().settings.aio_threads);
        match body.len().is_some_and(|len| replacer.most(len) <= MUCH) {
            true => body.coded(replacer),
            false => body.coded_in_pieces(replacer),
        }
    }
}
