//! `include`: another page in this place.

use http::{Body, BoxFuture, Cause, Error, ErrorPhase, LogLevel, Request, Subrequest};
use mem::{Chain, Str};

use crate::shared::may_include;

/// The answer to an include that sets a variable: its body, if it is no error.
pub type Answer = BoxFuture<'static, Result<Option<Vec<u8>>, Error>>;

/// Path and arguments of a page that is named by a text; `None`: it leads out, which is logged.
pub fn uri(request: &Request, text: &[u8]) -> Option<(Str, Str)> {
    let mark = text.iter().position(|&byte| byte == b'?').unwrap_or(text.len());
    let (path, args) = (&text[..mark], text.get(mark + 1..).unwrap_or_default());
    let goes_up = |path: &[u8]| path.split(|&byte| byte == b'/').any(|name| name == b"..");
    let mut decoded = Vec::with_capacity(path.len());
    proto::uri::unescape(path, &mut decoded);
    if path.is_empty() || decoded.contains(&0) || goes_up(path) || goes_up(&decoded) {
        let text = text.escape_ascii();
        request.error(LogLevel::Error, format_args!("unsafe URI \"{text}\" was detected"));
        return None;
    }
    Some((Str::from(decoded), Str::copy(args)))
}

/// Begins to ask for a page; `None`: it cannot be, which is logged.
pub fn ask(request: &Request, (path, args): (Str, Str), stub: Option<Chain>) -> Option<Subrequest> {
    if !may_include(request) {
        let message = "request reference counter overflow while processing";
        request.error(LogLevel::Error, format_args!("{message} \"{path}\""));
        return None;
    }
    Subrequest::or_else(request, path, args, stub)
}

/// Waits for an answer that a variable is set to.
pub fn answer(mut asked: Subrequest, most: usize) -> Answer {
    Box::pin(async move {
        asked.done().await;
        if asked.response.status >= 300 {
            return Ok(None);
        }
        let mut body: Body = std::mem::take(&mut asked.response.body);
        let read = body.read_whole(most).await;
        if let Err(Error { cause: Cause::TooLarge(_), .. }) = &read {
            asked.error(LogLevel::Error, format_args!("too big subrequest response"));
        }
        read.map(Some).map_err(|Error { cause, .. }| Error::new(ErrorPhase::Answer, cause))
    })
}
