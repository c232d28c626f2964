//! The objects of ACME (RFC 8555, 7.1), as far as they are looked at.

use serde::Deserialize;

use crate::error::{Error, Problem};
use crate::transport::Response;

/// Where everything is (7.1.1; `renewalInfo`: RFC 9773).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Directory {
    pub new_nonce: String,
    pub new_account: String,
    pub new_order: String,
    pub renewal_info: Option<String>,
    #[serde(default)]
    pub meta: Meta,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    pub terms_of_service: Option<String>,
    pub external_account_required: bool,
}

/// 7.1.3.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    pub status: String,
    #[serde(default)]
    pub authorizations: Vec<String>,
    pub finalize: String,
    pub certificate: Option<String>,
    pub error: Option<Problem>,
}

/// 7.1.4.
#[derive(Clone, Debug, Deserialize)]
pub struct Authorization {
    pub status: String,
    pub identifier: Named,
    #[serde(default)]
    pub challenges: Vec<Challenge>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Named {
    pub value: String,
}

/// 8.
#[derive(Clone, Debug, Deserialize)]
pub struct Challenge {
    #[serde(rename = "type")]
    pub kind: String,
    pub url: String,
    #[serde(default)]
    pub token: String,
    pub error: Option<Problem>,
}

/// RFC 9773, 4.2.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenewalInfo {
    pub suggested_window: Window,
    #[serde(rename = "explanationURL")]
    pub explanation: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Window {
    pub start: String,
    pub end: String,
}

/// Reads an object of that name.
pub fn read<'a, T: Deserialize<'a>>(response: &'a Response, name: &str) -> Result<T, Error> {
    let read = serde_json::from_slice(&response.body);
    read.map_err(|error| Error::protocol(format!("{name} ({error})")))
}
