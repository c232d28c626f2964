//! `echo { listen 7007; idle 30s; }`: a server that is not HTTP. A core module: a block of its own, a listener of its own.

use std::any::Any;

use rserve_sdk::prelude::*;

/// The port of a `listen` that names none (RFC 862).
const PORT: u16 = 7;

settings! {
    /// What stands in the block.
    #[derive(Clone, Default)]
    pub struct Block {
        list listen: Address = (Contexts::OWN, Arity::Exactly(1), address, "(none)", "where: ADDRESS[:PORT], PORT or unix:PATH");
        time idle = (Contexts::OWN, "60s", "how long a client may be silent");
    }
}

settings! {
    /// What stands in the main context.
    #[derive(Default)]
    pub struct Conf {
        block echo: Block = (Contexts::MAIN, Arity::Exactly(0), set_echo, "", "a server that says what it hears");
    }
}

fn address(setting: &Setting<'_>) -> Result<Address, Error> {
    let address = listen::address(setting.arg(0), PORT);
    address.map_err(|why| setting.error_at(0, why))
}

fn set_echo(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let mut block = Block::default();
    read_block(setting, Contexts::OWN, Block::DIRECTIVES, &mut block)?;
    conf.echo.set_in(block, setting)
}

/// The module.
pub struct Echo;

impl CoreModule for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn directives(&self) -> Vec<Entry> {
        erase(Conf::DIRECTIVES).collect()
    }

    /// For the reference: what stands inside, too.
    fn parts(&self) -> Vec<(&'static str, Vec<Entry>)> {
        vec![("echo", erase(Conf::DIRECTIVES).chain(erase(Block::DIRECTIVES)).collect())]
    }

    fn create(&self) -> Box<dyn Any> {
        Box::new(Conf::default())
    }

    fn init(&self, conf: Box<dyn Any>, setup: &mut Setup<'_>) -> Result<Box<dyn Instance>, Error> {
        let conf = conf.downcast::<Conf>().map_err(|_| Error::new("not the conf of echo"))?;
        let (mut addresses, mut idle) = (Vec::new(), 0);
        if let Some(block) = conf.echo.get() {
            (addresses, idle) = (block.listen.as_slice().to_vec(), block.idle());
        }
        for address in &addresses {
            setup.listen(address.clone(), ListenOptions::default(), "echo")?;
        }
        Ok(Box::new(Configured { addresses, port: Port { idle } }))
    }
}

/// The module, configured.
struct Configured {
    addresses: Vec<Address>,
    port: Port,
}

impl Process for Configured {}

impl Instance for Configured {
    fn listen(&'static self, sockets: &Sockets, number: usize) -> Result<(), String> {
        for address in &self.addresses {
            for socket in sockets.of_worker(address, number) {
                let added = rt::add_listener(socket, &self.port, sockets.shared(address));
                added.map_err(|error| format!("listening on {address}: {error}"))?;
            }
        }
        Ok(())
    }
}

/// What serves its connections.
struct Port {
    idle: u64,
}

impl Service for Port {
    /// The ready path: a client that is silent again costs no task and no buffer.
    fn ready(&'static self, conn: Conn) -> Next {
        let mut buffer = [0; 4096];
        match conn.read(&mut buffer) {
            Ok(0) => Next::Close,
            // Whether all of it goes out at once is seen in a task.
            Ok(count) => Next::Task(Box::pin(self.say(conn, buffer[..count].to_vec()))),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => self.wait(conn),
            Err(_) => Next::Close,
        }
    }

    /// The worker drains: a silent client goes at once.
    fn drain_delay(&'static self, _: Conn) -> u64 {
        0
    }
}

impl Port {
    async fn say(&'static self, conn: Conn, bytes: Vec<u8>) -> Next {
        conn.set_timeout(self.idle);
        match conn.write_all(&bytes).await {
            Ok(()) => self.wait(conn),
            Err(_) => Next::Close,
        }
    }

    fn wait(&self, conn: Conn) -> Next {
        conn.set_timeout(self.idle);
        Next::Idle
    }
}
