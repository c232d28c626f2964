//! `geo`: a variable whose value depends on an address.
//!
//! ```text
//! geo [$address] $variable { default …; NETWORK value; proxy NETWORK; delete NETWORK; }
//! geo $variable { ranges; default …; FIRST-LAST value; delete FIRST-LAST; }
//! ```
#![forbid(unsafe_code)]

mod address;
mod networks;
mod ranges;
mod read;

use std::cell::OnceCell;
use std::rc::Rc;

use conf::{Arity, Directive, Error, Opt, contexts};
use http::vars::template::Template;
use http::{Declarations, Hooks, Module, Value};

use crate::address::{Client, Proxies};
use crate::read::{Table, Written};

/// The module.
pub struct Geo;

/// What its directive sets.
#[derive(Default)]
pub struct Conf {
    written: Opt<Vec<Rc<Written>>>,
}

impl Module for Geo {
    const NAME: &'static str = "geo";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = DIRECTIVES;

    fn declare(conf: &Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        conf.declare(declarations)
    }

    fn inherit(_: &mut Conf, _: &Conf) {}

    fn install(_: &Conf, _: &mut Hooks<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

impl stream::Module for Geo {
    const NAME: &'static str = "stream geo";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = DIRECTIVES;
    const IS_OF_HTTP: bool = true;

    fn declare(conf: &Conf, declarations: &stream::Declarations<'_, '_>) -> Result<(), Error> {
        conf.declare(declarations)
    }

    fn inherit(_: &mut Conf, _: &Conf) {}

    fn install(_: &Conf, _: &mut stream::Hooks<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

const DIRECTIVES: &[Directive<Conf>] = &[Directive::new(
        "geo",
        contexts!(HTTP | STREAM),
        Arity::Between(1, 2),
        |conf: &mut Conf, setting| {
            conf.written.push(Rc::new(read::geo(setting)?));
            Ok(())
        },
        "",
        "a variable (last argument) whose value depends on the client's address, or on that in the first argument: lines of a network, or (ranges) FIRST-LAST, and a value; default, delete, proxy, proxy_recursive",
    )
    .with_block()];

impl Conf {
    fn declare<R: Client>(&self, declarations: &Declarations<'_, '_, R>) -> Result<(), Error> {
        for written in self.written.as_slice() {
            let variable = Rc::new(Variable { source: OnceCell::new(), written: written.clone() });
            declarations.make(&written.variable, variable.clone())?;
            let Some(source) = written.source.clone() else { continue };
            declarations.later(move |declarations| {
                let _ = variable.source.set(declarations.template(&source)?);
                Ok(())
            });
        }
        Ok(())
    }
}

/// The variable.
struct Variable<R: 'static> {
    /// Where the address comes from, if it is not the client's.
    source: OnceCell<Template<R>>,
    written: Rc<Written>,
}

impl<R: Client> Value<R> for Variable<R> {
    fn value(&self, request: &R, out: &mut Vec<u8>) -> bool {
        let Written { proxies, table, default, .. } = &*self.written;
        let address = address::of(request, self.source.get(), proxies);
        let value = match table {
            Table::Networks(networks) => networks.find(address),
            Table::Ranges(ranges) => ranges.find(address),
        };
        out.extend_from_slice(value.unwrap_or(default));
        true
    }

    fn is_volatile(&self) -> bool {
        self.written.volatile
    }
}
