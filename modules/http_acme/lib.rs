//! `acme_issuer`, `acme_certificate`: certificates that the server has made for it, and renews, by ACME.
//!
//! ```text
//! helper ─▶ issuer: account, orders, ARI ─▶ state_path: account.key, NAME.pem
//!     ├─▶ board in shared memory: certificates ─▶ any worker: handshakes
//!     └─▶ another one: proofs ─▶ any worker: http-01, tls-alpn-01
//! ```
//! The names are those of nginx' own module (`nginx-acme`). Until there is a certificate, handshakes that want it are refused.
#![forbid(unsafe_code)]

mod boards;
mod challenge;
mod goal;
mod issuer;
mod job;
mod order;
mod plan;
mod service;
mod state;
mod stored;
mod transport;

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Opt, Setting};
use http::{Hooks, Level, Module, Phase, Variable};
use tls::fresh::Automatic;

use boards::Boards;
use challenge::Challenge;
use issuer::Issuer;
use order::{Order, Written};
use service::Service;

/// The module.
pub struct Acme;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    issuers: Opt<Vec<Rc<Issuer>>>,
    zone: Opt<(String, usize)>,
    certificate: Opt<Written>,
    /// What all servers share.
    service: Option<Rc<Service>>,
}

impl Module for Acme {
    const NAME: &'static str = "acme";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = &[
        Directive::new(
            "acme_issuer",
            Contexts::HTTP,
            Arity::Exactly(1),
            set_issuer,
            "",
            "who makes certificates: uri URL, account_key FILE, contact URL, challenge http-01 or tls-alpn-01, external_account_key ID FILE, preferred_chain NAME, profile NAME, ssl_trusted_certificate FILE, ssl_verify on or off, state_path DIR or off, accept_terms_of_service",
        )
        .with_block(),
        Directive::new(
            "acme_shared_zone",
            Contexts::HTTP,
            Arity::Exactly(1),
            |c, s| c.zone.set_in(zone(s)?, s),
            "zone=ngx_acme_shared:1m",
            "shared memory for certificates: zone=NAME:SIZE, 16k for each",
        ),
        Directive::new(
            "acme_certificate",
            Contexts::SERVER,
            Arity::AtLeast(1),
            |c, s| c.certificate.set_in(order::read(s)?, s),
            "",
            "a certificate of an issuer: ISSUER [name …] [key=ecdsa:256]; without names, those of server_name",
        ),
    ];
    const VARIABLES: &'static [Variable] = &[
        Variable {
            name: "acme_certificate",
            get: |_, _, _| false,
            help: "for ssl_certificate: the certificate of the server's acme_certificate",
        },
        Variable {
            name: "acme_certificate_key",
            get: |_, _, _| false,
            help: "for ssl_certificate_key: its key",
        },
    ];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.issuers.inherit(&outer.issuers);
        conf.zone.inherit(&outer.zone);
        conf.service.clone_from(&outer.service);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if hooks.level != Level::Server {
            return Ok(());
        }
        let order = match conf.certificate.get() {
            Some(written) => Some(Order::new(written, conf.issuers.as_slice(), hooks)?),
            None => None,
        };
        let Some(service) = &conf.service else { return Ok(()) };
        service.install(conf.zone.get(), hooks);
        for issuer in conf.issuers.as_slice() {
            issuer.state.iter().for_each(|folder| hooks.setup().folder(folder.clone()));
        }
        let name = order.as_ref().map(Order::name);
        if let (Some(order), Some(written)) = (order, conf.certificate.get()) {
            service.add(order).map_err(|why| hooks.error(&written.issuer, why))?;
        }
        let Boards { certificates, proofs } = service.boards.clone();
        hooks.certify(Automatic { proofs: proofs.clone(), certificates, name });
        hooks.on(Phase::ServerRewrite, Challenge(proofs));
        Ok(())
    }
}

fn set_issuer(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let issuer = issuer::read(setting)?;
    if conf.issuers.as_slice().iter().any(|known| known.name == issuer.name) {
        return Err(setting.error_at(0, format!("duplicate acme_issuer \"{}\"", issuer.name)));
    }
    conf.issuers.push(Rc::new(issuer));
    conf.service.get_or_insert_with(|| Rc::new(Service::default()));
    Ok(())
}

fn zone(setting: &Setting<'_>) -> Result<(String, usize), Error> {
    let invalid = || setting.error_at(0, format!("invalid zone \"{}\"", setting.arg(0)));
    let text = setting.arg(0).strip_prefix("zone=").ok_or_else(invalid)?;
    let (name, size) = text.split_once(':').ok_or_else(invalid)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let size = conf::value::size(size).and_then(|size| usize::try_from(size).ok());
    let size = size.filter(|&size| size <= 1 << 40).ok_or_else(invalid)?;
    if name.is_empty() || !name.chars().all(plain) {
        return Err(invalid());
    }
    if size < 64 << 10 {
        let small = format!("zone \"{}\" is too small", setting.arg(0));
        return Err(setting.error_at(0, small).with_hint("it has at least 64k"));
    }
    Ok((name.to_owned(), size))
}
