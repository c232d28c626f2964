//! Variables of where a request goes.

use std::rc::Rc;

use http::{Request, Variable};
use proto::http1::Name;

use crate::pass::{Known, Names, Pass};
use crate::proxying::Proxying;

/// How the place is called where a request goes: as its location says, or as variables have said.
fn names(request: &Request) -> Option<&Names> {
    let said = request.known_context::<Known>().and_then(|known| known.0.as_ref());
    said.or_else(|| match &request.kept::<Rc<Proxying>>()?.pass {
        Pass::Fixed { name, .. } => Some(name),
        Pass::Variable(_) => None,
    })
}

/// The variables.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "proxy_host",
        get: |request, _, out| {
            names(request).inspect(|names| out.extend_from_slice(&names.host)).is_some()
        },
        help: "the host of proxy_pass, with its port if that is not the usual one",
    },
    Variable {
        name: "proxy_port",
        get: |request, _, out| {
            names(request).inspect(|names| out.extend_from_slice(&names.port)).is_some()
        },
        help: "the port of proxy_pass",
    },
    Variable {
        name: "proxy_add_x_forwarded_for",
        get: |request, _, out| {
            if request.header(Name::XForwardedFor).is_some() {
                out.extend_from_slice(&request.header_list("x_forwarded_for"));
                out.extend_from_slice(b", ");
            }
            out.extend_from_slice(request.peer().to_string().as_bytes());
            true
        },
        help: "the client's X-Forwarded-For, and its address behind it",
    },
];
