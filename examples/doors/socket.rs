//! `ask ADDRESS;`: a server of one's own answers. It is sent the path as a line, and what it says until it closes is the
//! answer. A handler that waits for a socket.

use std::io;

use rserve_sdk::prelude::*;

/// So long the other server may take to take the connection, and then for each read and write.
const PATIENCE_MS: u64 = 2000;
/// The longest answer.
const LONGEST: usize = 64 << 10;

settings! {
    /// What the directive sets.
    #[derive(Default)]
    pub struct Conf {
        option ask: Address = (contexts!(LOCATION), Arity::Exactly(1), address, "", "the server that answers: HOST:PORT or unix:PATH");
    }
}

fn address(setting: &Setting<'_>) -> Result<Address, Error> {
    let address = listen::address(setting.arg(0), 7000);
    address.map_err(|why| setting.error_at(0, why))
}

/// The module.
pub struct Ask;

impl Module for Ask {
    const NAME: &'static str = "ask";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if let Some(address) = conf.ask.get() {
            hooks.on(Phase::Content, Client { address: address.clone() });
            // A worker needs descriptors for these beside those of its clients.
            hooks.setup().connects("ask");
        }
        Ok(())
    }
}

struct Client {
    address: Address,
}

impl Handler for Client {
    fn handle(&self, _: &mut Request) -> Flow {
        Flow::Wait
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            match self.ask(&request.uri).await {
                Ok(answer) => {
                    request.response.set_body(200, Str::from("text/plain"), Str::from(answer));
                    Flow::Respond
                }
                Err(error) => {
                    let message = format_args!("asking {} failed: {error}", self.address);
                    request.error(LogLevel::Error, message);
                    Flow::Status(if error.kind() == io::ErrorKind::TimedOut { 504 } else { 502 })
                }
            }
        })
    }
}

impl Client {
    async fn ask(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        // Closed when this is dropped: also when the client goes, and nobody waits any more.
        let socket = rt::connect(&self.address, PATIENCE_MS).await?;
        socket.set_timeout(PATIENCE_MS);
        socket.write_all(&[path, b"\n"].concat()).await?;
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            socket.set_timeout(PATIENCE_MS);
            match socket.read_some(&mut buffer).await? {
                0 => return Ok(answer),
                _ if answer.len() > LONGEST => return Err(io::ErrorKind::FileTooLarge.into()),
                count => answer.extend_from_slice(&buffer[..count]),
            }
        }
    }
}
