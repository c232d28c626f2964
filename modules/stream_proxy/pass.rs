//! `proxy_pass ADDRESS`: where sessions go.

use conf::{Error, Word};
use resolver::Failure;
use stream::{Hooks, Session, Template};
use upstream::{Resolving, Target, Upstream, Upstreams, of_host, parse};

/// Where sessions of a server go.
pub enum Pass {
    /// To one upstream, which is called so.
    Fixed(Upstream<Session>, String),
    /// Where a word with variables says.
    Variable(Template),
}

impl Pass {
    /// Reads the word.
    pub fn compile(word: &Word, hooks: &mut Hooks<'_, '_>) -> Result<Pass, Error> {
        let template = hooks.template(word)?;
        if template.as_literal().is_none() {
            return Ok(Pass::Variable(template));
        }
        let target = parse(&word.text).map_err(|why| hooks.error(word, why))?;
        let upstreams = hooks.setup().shared::<Upstreams<Session>>();
        if let Target::Inet { host, port: None } = &target
            && upstreams.named(&host.to_ascii_lowercase()).is_none()
        {
            return Err(hooks.error(word, no_port(&word.text)));
        }
        let upstream = upstreams.of(&target, None).map_err(|why| hooks.error(word, why))?;
        Ok(Pass::Fixed(upstream, host(&target)))
    }

    /// Where this session goes, and how that is called. The error: why it goes nowhere.
    ///
    /// Variables may hold what a client has said, and what they name is reached with this server's rights. So they lead to
    /// `upstream` blocks; and to other hosts where a `resolver` says that they may. Paths of Unix sockets are not taken at all.
    pub async fn of(
        &self,
        session: &mut Session,
        upstreams: &Upstreams<Session>,
    ) -> Result<(Upstream<Session>, String), String> {
        let template = match self {
            Pass::Fixed(upstream, name) => return Ok((upstream.clone(), name.clone())),
            Pass::Variable(template) => template,
        };
        let text = conf::text::decode(&template.evaluate(session));
        let target = parse(&text)?;
        let (name, port) = match &target {
            Target::Unix(_) => return Err(format!("variables may not lead to \"{text}\"")),
            Target::Inet { host, port } => (host, *port),
        };
        let Some(port) = port else {
            let named = upstreams.named(&name.to_ascii_lowercase());
            return Ok((named.ok_or_else(|| no_port(&text))?, name.clone()));
        };
        let resolving = session.kept::<Resolving>();
        let resolving =
            resolving.ok_or_else(|| format!("no resolver defined to resolve {name}"))?;
        let failed = |why: Failure| format!("{name} could not be resolved ({why})");
        Ok((of_host(resolving, name, port).await.map_err(failed)?, name.clone()))
    }
}

/// As certificates call it.
fn host(target: &Target) -> String {
    match target {
        Target::Unix(_) => "localhost".to_owned(),
        Target::Inet { host, .. } => host.clone(),
    }
}

fn no_port(text: &str) -> String {
    format!("no port in upstream \"{text}\"")
}
