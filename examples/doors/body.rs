//! `count_lines on;`: answers a request with the number of lines in its body, however long that is. A handler that reads a
//! body piece by piece.

use rserve_sdk::prelude::*;

/// So much of the body is in memory.
const PIECE: usize = 16 << 10;

settings! {
    /// What the directive sets.
    #[derive(Default)]
    pub struct Conf {
        flag count_lines = (contexts!(LOCATION), "off", "answer with the number of lines in the body");
    }
}

/// The module.
pub struct Lines;

impl Module for Lines {
    const NAME: &'static str = "count_lines";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.count_lines() {
            hooks.on(Phase::Content, Count);
        }
        Ok(())
    }
}

struct Count;

impl Handler for Count {
    fn handle(&self, _: &mut Request) -> Flow {
        Flow::Wait
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            match count(request.take_body()).await {
                Ok(lines) => {
                    let text = Str::from(format!("{lines}\n").into_bytes());
                    request.response.set_body(200, Str::from("text/plain"), text);
                    Flow::Respond
                }
                Err(error) => Flow::Status(error.status()),
            }
        })
    }
}

async fn count(mut body: Body) -> Result<usize, BodyError> {
    let (mut lines, mut piece) = (0, Vec::new());
    while body.read(&mut piece, PIECE).await? {
        lines += piece.iter().filter(|&&byte| byte == b'\n').count();
        piece.clear();
    }
    Ok(lines)
}
