//! `join URI...;`: the answers of other locations, one behind the other. Subrequests.

use rserve_sdk::prelude::*;

/// The longest of them.
const LONGEST: usize = 1 << 20;

settings! {
    /// What the directive sets.
    #[derive(Default)]
    pub struct Conf {
        raw join: Vec<Str> = (contexts!(LOCATION), Arity::AtLeast(1), uris, "", "answer with what these locations answer");
    }
}

fn uris(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let uris = setting.args().iter().map(|word| Str::copy(word.text.as_bytes()));
    conf.join.set_in(uris.collect(), setting)
}

/// The module.
pub struct Join;

impl Module for Join {
    const NAME: &'static str = "join";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if let Some(uris) = conf.join.get() {
            hooks.on(Phase::Content, Joined { uris: uris.clone() });
        }
        Ok(())
    }
}

struct Joined {
    uris: Vec<Str>,
}

impl Handler for Joined {
    fn handle(&self, _: &mut Request) -> Flow {
        Flow::Wait
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            // All of them begin, then each is waited for.
            let begin = |uri: &Str| Subrequest::new(request, uri.clone(), Str::EMPTY);
            let asked: Vec<_> = self.uris.iter().map(begin).collect();
            let mut all = Vec::new();
            for one in asked {
                match answer(one).await {
                    Ok(body) => all.extend_from_slice(&body),
                    Err(status) => return Flow::Status(status),
                }
            }
            request.response.set_body(200, Str::from("text/plain"), Str::from(all));
            Flow::Respond
        })
    }
}

/// The body of an answer. The error: the status of one that failed, or our own.
async fn answer(asked: Option<Subrequest>) -> Result<Vec<u8>, u16> {
    // There is none: they go in circles.
    let mut asked = asked.ok_or(500_u16)?;
    asked.done().await;
    match asked.response.status {
        200 => asked.response.body.read_whole(LONGEST).await.map_err(|error| error.status()),
        404 => Err(404),
        _ => Err(502),
    }
}
