//! `return`: an answer, or a redirect, without looking further.
#![forbid(unsafe_code)]

use conf::{Arity, Directive, Error, Opt, Setting, Word, contexts};
use http::{Flow, Handler, Hooks, Level, Module, Phase, Request, Template};
use mem::Str;

/// The module.
pub struct Return;

/// What its directive sets.
#[derive(Default)]
pub struct Conf {
    answer: Opt<(u16, Option<Word>)>,
}

impl Module for Return {
    const NAME: &'static str = "return";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = &[Directive::new(
        "return",
        contexts!(SERVER | LOCATION),
        Arity::Between(1, 2),
        set_return,
        "",
        "answer with CODE [text], CODE URL or URL; 444 closes without an answer",
    )];

    /// Not inherited: what a server returns, it returns before any location is looked for.
    fn inherit(_: &mut Conf, _: &Conf) {}

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let Some((status, text)) = conf.answer.get() else { return Ok(()) };
        let text = text.as_ref().map(|word| hooks.template(word)).transpose()?;
        let phase = match hooks.level {
            Level::Server => Phase::ServerRewrite,
            Level::Location => Phase::Rewrite,
        };
        hooks.on(phase, Answer { status: *status, text });
        Ok(())
    }
}

fn set_return(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let args = setting.args();
    let first = setting.arg(0);
    let is_url = |text: &str| {
        text.starts_with("http://") || text.starts_with("https://") || text.starts_with("$scheme")
    };
    let answer = match (first.parse::<u16>(), args) {
        (Ok(status), _) if status > 999 => return Err(setting.invalid(0, "return code")),
        (Ok(status), [_]) => (status, None),
        // As nginx: an error without a text has its page, and 444 none at all.
        (Ok(status @ 400..), [_, text]) if text.text.is_empty() => (status, None),
        (Ok(status), [_, text]) => (status, Some(text.clone())),
        (Err(_), [url]) if is_url(first) => (302, Some(url.clone())),
        _ => return Err(setting.error_at(0, format!("invalid return code \"{first}\""))),
    };
    // The first one that is reached ends the request: those after it are never reached.
    if !conf.answer.is_set() {
        conf.answer.replace(answer);
    }
    Ok(())
}

struct Answer {
    status: u16,
    text: Option<Template>,
}

impl Handler for Answer {
    fn handle(&self, request: &mut Request) -> Flow {
        let text = match &self.text {
            Some(text) => {
                // The text may say it.
                request.response.status = request.forced_status.unwrap_or(self.status);
                text.evaluate(request)
            }
            // As nginx: what is no error has a type even without a text.
            None if self.status < 300 => Str::EMPTY,
            None => return Flow::Status(self.status),
        };
        if matches!(self.status, 301 | 302 | 303 | 307 | 308) {
            request.response.location = Some(text);
            return Flow::Status(self.status);
        }
        let content_type = self.content_type(request);
        // A 204 loses both when it is framed: filters see them, as in nginx.
        request.response.set_body(self.status, content_type, text);
        Flow::Respond
    }
}

impl Answer {
    fn content_type(&self, request: &Request) -> Str {
        let settings = &request.location().settings;
        settings.type_of(&request.uri).clone()
    }
}
