//! From the written block to what serves: inheritance, servers by address.

use std::rc::Rc;

use conf::{Error, Word};
use http::client::fetch;
use http::route::addresses::Addresses;
use http::route::listener;
use http::route::server_name;
use http::vars::names::Names;
use http::vars::ssl;
use http::vars::template::Template;
use module::Setup;

use crate::instance::StreamInstance;
use crate::listener::Listener;
use crate::session::{Server, Session};
use crate::written::{BlockConf, ServerBlock, Written};

/// Makes the block serve.
pub fn assemble(written: Written, setup: &mut Setup<'_>) -> Result<StreamInstance, Error> {
    let Written { mut main, servers, names } = written;
    main.core.open_logs(setup);
    let mut tls = tls::Servers::new(fetch::ocsp);
    let mut addresses = Addresses::default();
    for block in servers {
        let ServerBlock { mut conf, span } = block;
        let fail = |what: &str| Error::at(what, span, setup.env.files);
        let listens = conf.core.listen.as_slice().to_vec();
        if listens.is_empty() {
            return Err(fail("no \"listen\" is defined for server"));
        }
        let content = conf.core.r#return.get().cloned();
        let content = content.ok_or_else(|| {
            fail("no handler for server").with_hint("\"return\" sends clients a text")
        })?;
        conf.core.open_logs(setup);
        conf.core.inherit_all(&main.core);
        conf.tls.inherit(&main.tls);
        let placed = server_name::placed(conf.core.server_name.as_slice(), setup.env.files);
        let server = Rc::new(make(&conf, &content, &names, &mut tls, setup)?);
        addresses.add(&server, &placed, listens, span, setup)?;
    }
    let keeps_offers = ssl::OFFERS.iter().any(|name| names.is_asked(name));
    let listeners = listen(addresses, keeps_offers, setup)?;
    let processes = tls.processes("stream", setup);
    Ok(StreamInstance { listeners, processes })
}

fn make(
    conf: &BlockConf,
    text: &Word,
    names: &Names<Session>,
    tls: &mut tls::Servers,
    setup: &mut Setup<'_>,
) -> Result<Server, Error> {
    let core = &conf.core;
    let place = |why: String| Error::at(why, text.span, setup.env.files);
    let text = Template::compile(&text.text, names).map_err(place)?;
    let protocols = core.ssl_alpn.get().into_iter().flatten();
    let protocols: Vec<&[u8]> = protocols.map(String::as_bytes).collect();
    let tls = tls.make(&conf.tls, &[&protocols], None, setup)?;
    Ok(Server {
        tls,
        text,
        proxy_protocol_timeout: core.proxy_protocol_timeout(),
        handshake_timeout: core.ssl_handshake_timeout(),
        tcp_nodelay: core.tcp_nodelay(),
        error_logs: core.error_logs.as_slice().to_vec(),
    })
}

fn listen(
    addresses: Addresses<Server>,
    keeps_offers: bool,
    setup: &mut Setup<'_>,
) -> Result<Vec<Listener>, Error> {
    let mut listeners = Vec::new();
    for (own, covered) in addresses.group() {
        for one in std::iter::once(&own).chain(&covered) {
            one.check_certificates(setup.env.files)?;
        }
        let options = own.options.clone().unwrap_or_default();
        let scheme = if own.hosts.ssl { "tls" } else { "tcp" };
        let asked = setup.listen(own.address.clone(), options, scheme);
        asked.map_err(|error| error.or_at(own.span(), setup.env.files))?;
        let listener = listener::Listener::new(own, covered);
        listeners.push(Listener::new(listener.keeping_offers(keeps_offers)));
    }
    Ok(listeners)
}
