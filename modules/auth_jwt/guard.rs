//! Asks for a token, and checks it.

use std::rc::Rc;
use std::sync::Arc;

use conf::Error;
use http::{BoxFuture, Flow, Handler, Hooks, LogLevel, Request, Template};
use mem::Str;

use crate::Conf;
use crate::keys::Keys;
use crate::sources::{self, Read};
use crate::token::{Measure, Token};
use crate::variables::LetIn;

/// The handler of a location.
pub struct Guard {
    realm: Template,
    /// Where the token is, if not in the Authorization field.
    token: Option<Template>,
    files: Vec<Template>,
    /// Where relative paths start.
    folder: Vec<u8>,
    requests: Vec<Template>,
    require: Vec<(Vec<Template>, u16)>,
    /// Milliseconds.
    valid: u64,
    /// Seconds.
    leeway: f64,
    longest_token: usize,
    longest_keys: usize,
}

/// Keys are at fault: nobody can be let in.
struct NoKeys;

impl Guard {
    /// Of a location in which tokens are asked for.
    pub fn compile(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<Guard, Error> {
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let folder = sys::file::bytes(hooks.setup().env.conf_dir).to_vec();
        let all = |words: &[conf::Word]| -> Result<Vec<Template>, Error> {
            words.iter().map(|word| hooks.template(word)).collect()
        };
        let (realm, token) = match conf.auth_jwt.get() {
            Some((realm, token)) => (hooks.template(realm)?, token.as_ref()),
            None => (Template::literal("off"), None),
        };
        let require = conf.auth_jwt_require.as_slice().iter();
        Ok(Guard {
            realm,
            token: token.map(|word| hooks.template(word)).transpose()?,
            files: all(conf.auth_jwt_key_file.as_slice())?,
            folder,
            requests: all(conf.auth_jwt_key_request.as_slice())?,
            require: require
                .map(|(words, status)| Ok((all(words)?, *status)))
                .collect::<Result<_, Error>>()?,
            valid: conf.auth_jwt_key_cache(),
            leeway: conf.auth_jwt_leeway() as f64 / 1000.0,
            longest_token: size(conf.auth_jwt_token_size()),
            longest_keys: size(conf.auth_jwt_key_size()),
        })
    }
}

impl Handler for Guard {
    fn handle(&self, request: &mut Request) -> Flow {
        let (realm, token) = match self.ask(request) {
            Ok(asked) => asked,
            Err(flow) => return flow,
        };
        match self.known(request) {
            Ok(Some(keys)) => self.judge(request, &realm, &token, &keys),
            Ok(None) => Flow::Wait,
            Err(NoKeys) => Flow::Status(500),
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            let (realm, token) = match self.ask(request) {
                Ok(asked) => asked,
                Err(flow) => return flow,
            };
            match self.fetch(request).await {
                Ok(keys) => self.judge(request, &realm, &token, &keys),
                Err(NoKeys) => Flow::Status(500),
            }
        })
    }
}

impl Guard {
    /// What is asked for, and the token that the client has.
    fn ask(&self, request: &mut Request) -> Result<(Str, Str), Flow> {
        // Whoever was let in elsewhere is not yet let in here.
        request.with_lasting(|let_in: &mut LetIn| let_in.0 = None);
        let realm = self.realm.evaluate(request);
        if &realm[..] == b"off" {
            return Err(Flow::Declined);
        }
        let token = match &self.token {
            Some(template) => Some(template.evaluate(request)).filter(|token| !token.is_empty()),
            None => bearer(request),
        };
        match token {
            Some(token) => Ok((realm, token)),
            None => {
                request.error(LogLevel::Info, format_args!("no token was provided for JWT"));
                Err(challenge(request, &realm, 401, ""))
            }
        }
    }

    /// All keys, if that takes no time.
    fn known(&self, request: &mut Request) -> Result<Option<Vec<Arc<Read>>>, NoKeys> {
        let mut all = Vec::new();
        for file in &self.files {
            let path = self.path(request, file)?;
            match sources::known_file(&path) {
                Ok(Some(keys)) => all.push(keys),
                Ok(None) => return Ok(None),
                Err(why) => return Err(no_keys(request, &path, &why)),
            }
        }
        for uri in &self.requests {
            let uri = uri.evaluate(request);
            match sources::known_asked(request, &uri, self.valid) {
                Some(keys) => all.push(keys),
                None => return Ok(None),
            }
        }
        Ok(Some(all))
    }

    async fn fetch(&self, request: &mut Request) -> Result<Vec<Arc<Read>>, NoKeys> {
        let mut all = Vec::new();
        for file in &self.files {
            let path = self.path(request, file)?;
            let keys = sources::file(&path, self.longest_keys as u64).await;
            all.push(keys.map_err(|why| no_keys(request, &path, &why))?);
        }
        for uri in &self.requests {
            let uri = uri.evaluate(request);
            let keys = sources::ask(request, &uri, self.valid, self.longest_keys).await;
            all.push(keys.map_err(|why| no_keys(request, &uri, &why))?);
        }
        Ok(all)
    }

    fn path(&self, request: &mut Request, file: &Template) -> Result<Vec<u8>, NoKeys> {
        let path = file.evaluate(request);
        if file.climbs(&path) || path.contains(&0) {
            return Err(no_keys(request, &path, "a variable leads out of it"));
        }
        Ok(match path.starts_with(b"/") {
            true => path.to_vec(),
            false => [&self.folder[..], b"/", &path].concat(),
        })
    }

    fn judge(&self, request: &mut Request, realm: &[u8], token: &[u8], read: &[Arc<Read>]) -> Flow {
        let mut keys: Vec<&Keys> = Vec::with_capacity(read.len());
        for read in read {
            match &**read {
                Ok(one) => keys.push(one),
                Err(why) => {
                    let message = format_args!("a set of keys for JWT is of no use: {why}");
                    request.error(LogLevel::Error, message);
                    return Flow::Status(500);
                }
            }
        }
        let now = rt::wall().as_secs_f64();
        let measure = Measure { now, leeway: self.leeway, longest: self.longest_token };
        match Token::check(token, keys.iter().copied(), measure) {
            Ok(token) => self.require(request, realm, token),
            Err(why) => {
                let noted = keys.iter().flat_map(|keys| &keys.passed_over).next();
                let note = noted.map(|note| format!(" ({note})")).unwrap_or_default();
                request.error(LogLevel::Error, format_args!("the JWT is refused: {why}{note}"));
                challenge(request, realm, 401, ",error=\"invalid_token\"")
            }
        }
    }

    /// What else must be so.
    fn require(&self, request: &mut Request, realm: &[u8], token: Token) -> Flow {
        request.with_lasting(|let_in: &mut LetIn| let_in.0 = Some(Rc::new(token)));
        for (templates, status) in &self.require {
            for template in templates {
                let value = template.evaluate(request);
                if value.is_empty() || &value[..] == b"0" {
                    request.with_lasting(|let_in: &mut LetIn| let_in.0 = None);
                    let message = "the JWT is refused: a value of auth_jwt_require is empty or 0";
                    request.error(LogLevel::Error, format_args!("{message}"));
                    return challenge(request, realm, *status, ",error=\"invalid_token\"");
                }
            }
        }
        Flow::Granted
    }
}

/// RFC 6750 §2.1
fn bearer(request: &Request) -> Option<Str> {
    let field = request.headers_named("authorization").next()?;
    let (scheme, token) = field.split_at_checked(7)?;
    let token = token.trim_ascii();
    let is_one = scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty();
    is_one.then(|| Str::copy(token))
}

fn challenge(request: &mut Request, realm: &[u8], status: u16, error: &str) -> Flow {
    if status == 401 {
        let text = [b"Bearer realm=\"", realm, b"\"", error.as_bytes()].concat();
        request.response.add_header("WWW-Authenticate", Str::copy(&text));
    }
    Flow::Status(status)
}

fn no_keys(request: &Request, of: &[u8], why: &str) -> NoKeys {
    let of = String::from_utf8_lossy(of);
    request.error(LogLevel::Error, format_args!("no keys for JWT from \"{of}\": {why}"));
    NoKeys
}
