//! How a location passes requests on, ready to serve.

use http::Template;
use upstream::{Encrypting, Passing};

use crate::cookies::Cookies;
use crate::head::{Fields, Version};
use crate::pass::Pass;
use crate::redirect::Rule;

/// How a location passes requests on.
pub struct Proxying {
    /// Where to.
    pub pass: Pass,
    /// How much of a URI is the location's own.
    pub prefix: usize,
    /// How peers are encrypted, where they may have to be.
    pub encrypting: Option<Encrypting>,
    /// What requests say.
    pub fields: Fields,
    /// In which version.
    pub version: Version,
    /// The method that goes out, if it is another one.
    pub method: Option<Template>,
    /// The body that goes out, if it is another one.
    pub body: Option<Template>,
    /// What is changed in Location and Refresh.
    pub rules: Vec<Rule>,
    /// What is changed in cookies.
    pub cookies: Cookies,
    /// What all families have in common.
    pub passing: Passing,
}
