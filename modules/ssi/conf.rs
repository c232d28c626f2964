//! The directives.

use std::rc::Rc;

use ::conf::{Arity, Contexts, Directive, Error, Setting, contexts, settings};
use http::{Hooks, MediaTypes, Module, Order, Variable};

use crate::filter::{Bodies, Headers};
use crate::page::Limits;
use crate::variables;

/// The module.
pub struct Ssi;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);
const WEB_IF: Contexts = contexts!(HTTP | SERVER | LOCATION | LIF);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        value ssi: bool = (
            WEB_IF, Arity::Exactly(1), |s: &Setting<'_>| s.flag(), "off",
            "carry out the commands in pages: <!--#include virtual=\"/menu.html\" -->"
        );
        value ssi_types: MediaTypes = (
            WEB, Arity::AtLeast(1), MediaTypes::parse, "text/html",
            "media types of answers in which commands are looked for, beside text/html; * for all"
        );
        flag ssi_silent_errors = (WEB, "off", "say nothing in the page of commands that fail");
        flag ssi_last_modified = (
            WEB, "off", "keep Last-Modified and a weak ETag, which say nothing of what is included"
        );
        size ssi_value_length = (WEB, "255", "the longest value of a parameter");
        size ssi_max_memory = (
            WEB, "1m", "what the variables and blocks of one client's pages take together"
        );
        size subrequest_output_buffer_size = (
            WEB, "4k", "the longest answer that an include puts into a variable"
        );
        size ssi_min_file_chunk = (WEB, "1k", "without effect: files are read in any case");
        flag ssi_ignore_recycled_buffers = (WEB, "off", "without effect: there are no such buffers");
    }
}

impl Module for Ssi {
    const NAME: &'static str = "ssi";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = variables::VARIABLES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if !conf.ssi() {
            return Ok(());
        }
        let limits = Limits {
            silent: conf.ssi_silent_errors(),
            value: conf.ssi_value_length() as usize,
            memory: conf.ssi_max_memory() as usize,
            answer: conf.subrequest_output_buffer_size() as usize,
        };
        let (types, last_modified) = (conf.ssi_types(), conf.ssi_last_modified());
        hooks.filter(Order::Ssi, Headers { types, last_modified });
        let lookup = hooks.lookup();
        hooks.body_filter(Order::Ssi, Bodies { limits: Rc::new(limits), lookup });
        Ok(())
    }
}
