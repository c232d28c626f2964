//! The checks, by what they are about.

mod access;
mod flow;
mod headers;
mod paths;
mod php;
mod redirects;
mod regexes;
mod tls;
mod upstreams;

use crate::Check;

/// All of them.
pub(crate) const ALL: &[&[Check]] = &[
    paths::CHECKS,
    access::CHECKS,
    redirects::CHECKS,
    headers::CHECKS,
    upstreams::CHECKS,
    flow::CHECKS,
    regexes::CHECKS,
    php::CHECKS,
    tls::CHECKS,
];
