//! The one crate that a module of others depends on: what modules are made of, and the server to compile them into.
//!
//! ```text
//! use rserve_sdk::prelude::*;
//!
//! settings! {
//!     /// What the directive sets.
//!     #[derive(Default)]
//!     pub struct Conf {
//!         flag teapot = (contexts!(SERVER | LOCATION), "off", "answer 418");
//!     }
//! }
//!
//! /// The module.
//! pub struct Teapot;
//!
//! impl Module for Teapot {
//!     const NAME: &'static str = "teapot";
//!     type Conf = Conf;
//!     const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
//!
//!     fn inherit(conf: &mut Conf, outer: &Conf) {
//!         conf.inherit(outer);
//!     }
//!
//!     fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
//!         if conf.teapot() {
//!             hooks.on(Phase::Content, |_: &mut Request| Flow::Status(418));
//!         }
//!         Ok(())
//!     }
//! }
//!
//! rserve_sdk::main!(http: [Teapot]);
//! ```
//! `docs/own-module.md` is the way in; it has an example for each door. The [`prelude`] has the names that modules use;
//! the layers themselves are here, too, under the names that they have inside: [`http`], [`conf`], [`rt`] …
//!
//! **Units.** Times are milliseconds, unless a name says otherwise (`last_modified` is in seconds since 1970); [`rt::now`]
//! is the loop's clock, which has no date, [`rt::wall`] has one. Sizes are bytes.
//!
//! **Ownership.** A configuration lives in the master and in each of its workers, which are forked with it: what a module
//! makes in `install` is shared by nobody, and lives as long as the process. One worker is one thread: `Rc`, `Cell` and
//! `thread_local!` are right, locks are not needed, and what blocks stops all clients of the worker. What several workers
//! are to see is in shared memory ([`TableZone`](module::TableZone), [`Wanted`](module::Wanted)). What a request owns
//! (its `pool`, its contexts, the bytes of its head) goes when it ends; a [`Str`](mem::Str) shares the block that it was
//! cut from: keep a copy (`Str::copy`), not a slice, for longer.
//!
//! **Errors.** Of the configuration: [`conf::Error`], made by `setting.error_at(…)` or `hooks.error(…)`, so that it names
//! file, line and directive; the server does not start, or a reload keeps what is. Of the start of a worker: a `String`,
//! with the same end. Of a request: [`Flow::Status`](http::Flow::Status) with the status that the client is told, and
//! `request.error(…)` with the reason for the log; of bodies and other servers [`http::Error`], whose `status()` is that
//! status. A panic ends the request, or the task, that it happens in.
#![forbid(unsafe_code)]

use std::process::ExitCode;

pub use {broadcast, conf, http, live, mem, module, proto, rt, shm, stream, sys};

/// Runs the server with these core modules, as the command line says: all that a `main` does. [`main!`] writes the list.
pub fn main(modules: &'static [&'static dyn module::Module]) -> ExitCode {
    server::run(modules)
}

/// The `main` of a server with these modules: `main!(core: [Echo], http: [access_log::Log, Hello]);`
///
/// Core modules are values, `http` itself is always there; HTTP modules are types, and within a phase their handlers
/// run in the order of the list.
#[macro_export]
macro_rules! main {
    ($(core: [$($core:expr),* $(,)?],)? http: [$($http:ty),* $(,)?] $(,)?) => {
        const MODULES: &[&dyn $crate::module::Module] = &[
            $($(&$core,)*)?
            &$crate::http::Http::new(&[$($crate::http::entry::<$http>()),*]),
        ];

        fn main() -> ::std::process::ExitCode {
            $crate::main(MODULES)
        }
    };
}

/// The names that modules use. Where two layers have one name for two things, the HTTP module's is the plain one.
pub mod prelude {
    pub use conf::{
        Arity, Contexts, Directive, Entry, Error, Opt, Setting, Word, contexts, erase, read_block,
        settings,
    };
    pub use http::{
        Body, BodyFilter, BoxFuture, Declarations, Error as BodyError, Fields, Filter, Flow,
        Handler, Hooks, KeyedZone, Level, LogLevel, Logger, Module, Order, Phase, Request,
        Response, Settable, Source, Spool, Subrequest, Template, Trailers, Variable, Version,
        undeclared_zone,
    };
    pub use mem::{Buf, Chain, Str};
    pub use module::{
        Instance, LogFile, Module as CoreModule, Process, Regions, Setup, Slot, Sockets, TableZone,
        Wanted, listen, zone_argument,
    };
    pub use proto::http1::{Method, Name};
    pub use rt::{self, Conn, Next, Service};
    pub use shm::{Table, U32, U64};
    pub use sys::socket::{Address, Options as ListenOptions, Peer};
}
