//! `$ssl_…`: what is known of a connection by its encryption.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use proto::escape;
use rt::Io;
use tls::Session;
use tls::x509::Certificate;

use crate::vars::connection::{Connected, Variables};
use crate::vars::names::Variable;

macro_rules! variables {
    ($($name:literal $get:expr, $help:literal;)*) => {
        impl<R: Connected> Variables<R> {
            /// Those of encrypted connections.
            pub const SSL: &'static [Variable<R>] = &[
                $(Variable {
                    name: $name,
                    get: |of, _, out| {
                        let get: fn(&R, &mut Vec<u8>) -> bool = $get;
                        get(of, out)
                    },
                    help: $help,
                }),*
            ];
        }
    };
}

variables! {
    "ssl_alpn_protocol" |r, o| put(r, o, Session::protocol), "the protocol that was agreed on by ALPN";
    "ssl_cipher" |r, o| text(r, o, |session| session.cipher()), "the cipher, by OpenSSL's name";
    "ssl_ciphers" |r, o| offer(r, o, |offer| &offer.ciphers), "the ciphers that the client has offered";
    "ssl_client_cert" |r, o| pem(r, o, Form::Indented), "the client's certificate in PEM, each line but the first behind a tab";
    "ssl_client_escaped_cert" |r, o| pem(r, o, Form::Escaped), "the client's certificate in PEM, with % escapes";
    "ssl_client_fingerprint" |r, o| fact(r, o, |certificate| certificate.fingerprint()), "SHA-1 of the client's certificate";
    "ssl_client_i_dn" |r, o| fact(r, o, |c| c.issuer.rfc2253()), "who has signed the client's certificate (RFC 2253)";
    "ssl_client_i_dn_legacy" |r, o| fact(r, o, |c| c.issuer.one_line()), "the same in the old form, with slashes";
    "ssl_client_raw_cert" |r, o| pem(r, o, Form::Raw), "the client's certificate in PEM";
    "ssl_client_s_dn" |r, o| fact(r, o, |c| c.subject.rfc2253()), "whose the client's certificate is (RFC 2253)";
    "ssl_client_s_dn_legacy" |r, o| fact(r, o, |c| c.subject.one_line()), "the same in the old form, with slashes";
    "ssl_client_serial" |r, o| fact(r, o, |certificate| certificate.serial()), "the serial number of the client's certificate";
    "ssl_client_v_end" |r, o| fact(r, o, |c| c.not_after.to_string()), "until when the client's certificate is valid";
    "ssl_client_v_remain" |r, o| {
        let now = rt::wall().as_secs() as i64;
        fact(r, o, |certificate| certificate.days_left(now).to_string())
    }, "for how many days yet";
    "ssl_client_v_start" |r, o| fact(r, o, |c| c.not_before.to_string()), "from when the client's certificate is valid";
    "ssl_client_verify" |r, o| {
        let server = r.tls();
        with(r, |session| write!(o, "{}", session.verdict(server)).is_ok())
    }, "SUCCESS, FAILED:reason, or NONE without a certificate";
    "ssl_curve" |r, o| text(r, o, |session| session.curve()), "the group of the key exchange";
    "ssl_curves" |r, o| offer(r, o, |offer| &offer.curves), "the groups that the client has offered";
    "ssl_early_data" |r, o| with(r, |session| {
        if session.is_early() {
            o.push(b'1');
        }
        session.is_early()
    }), "1 for a request that came before the handshake was complete: it may be another's copy";
    "ssl_ja4" |r, o| offer(r, o, |offer| &offer.ja4), "the fingerprint of the client's hello (JA4)";
    "ssl_protocol" |r, o| text(r, o, |session| session.version()), "TLSv1.2 or TLSv1.3";
    "ssl_server_name" |r, o| match r.asked_name() {
        Some(name) => {
            o.extend_from_slice(name);
            !name.is_empty()
        }
        None => text(r, o, |session| session.server_name()),
    }, "the server that the handshake asked for";
    "ssl_server_v_end" |r, o| own(r, o, |c| c.not_after.to_string()), "until when the server's certificate is valid; of several, the first to end";
    "ssl_server_v_remain" |r, o| {
        let now = rt::wall().as_secs() as i64;
        own(r, o, |certificate| certificate.days_left(now).to_string())
    }, "for how many days yet; also for requests that are not encrypted";
    "ssl_session_id" |r, o| with(r, |session| {
        let id = session.offer().map(|offer| &offer.session_id[..]);
        let id = id.filter(|_| session.is_resumed()).unwrap_or_default();
        id.iter().all(|byte| write!(o, "{byte:02x}").is_ok()) && !id.is_empty()
    }), "the number of a session that is one of before";
    "ssl_session_reused" |r, o| with(r, |session| {
        o.push(if session.is_resumed() { b'r' } else { b'.' });
        true
    }), "r for a resumed session, else a dot";
}

/// Asks for what the client has offered: connections keep it then.
pub const OFFERS: [&str; 4] = ["ssl_ciphers", "ssl_curves", "ssl_ja4", "ssl_session_id"];

fn with(of: &impl Connected, look: impl FnOnce(&Session) -> bool) -> bool {
    let of_tls = |session: &Session| !session.is_plain() && look(session);
    Io::new(of.conn()).with_layer(of_tls).unwrap_or(false)
}

fn put(of: &impl Connected, out: &mut Vec<u8>, value: fn(&Session) -> Option<&[u8]>) -> bool {
    with(of, |session| {
        let value = value(session);
        out.extend_from_slice(value.unwrap_or_default());
        value.is_some()
    })
}

fn text(
    of: &impl Connected,
    out: &mut Vec<u8>,
    value: impl FnOnce(&Session) -> Option<&str>,
) -> bool {
    with(of, |session| {
        let value = value(session);
        out.extend_from_slice(value.unwrap_or_default().as_bytes());
        value.is_some()
    })
}

fn offer(of: &impl Connected, out: &mut Vec<u8>, value: fn(&tls::Offer) -> &String) -> bool {
    text(of, out, |session| session.offer().map(|offer| value(offer).as_str()))
}

fn fact(
    of: &impl Connected,
    out: &mut Vec<u8>,
    value: impl FnOnce(&Certificate<'_>) -> String,
) -> bool {
    with(of, |session| match session.with_certificate(value) {
        Some(value) => {
            out.extend_from_slice(value.as_bytes());
            true
        }
        None => false,
    })
}

/// Of the server's own certificate.
fn own(
    of: &impl Connected,
    out: &mut Vec<u8>,
    value: impl FnOnce(&Certificate<'_>) -> String,
) -> bool {
    let value = of.tls().and_then(|tls| tls.with_first_to_end(value));
    out.extend_from_slice(value.as_deref().unwrap_or_default().as_bytes());
    value.is_some()
}

enum Form {
    Raw,
    Indented,
    Escaped,
}

fn pem(of: &impl Connected, out: &mut Vec<u8>, form: Form) -> bool {
    with(of, |session| {
        let Some(own) = session.client_chain().and_then(<[_]>::first) else { return false };
        let text = pem_of(own);
        match form {
            Form::Raw => out.extend_from_slice(text.as_bytes()),
            // As a folded field of a header has it.
            Form::Indented => {
                out.extend_from_slice(text.trim_end().replace('\n', "\n\t").as_bytes());
            }
            Form::Escaped => escape::component(text.as_bytes(), out),
        }
        true
    })
}

/// RFC 7468: lines of 64 letters.
fn pem_of(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = &text[..];
    while !rest.is_empty() {
        let (line, further) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = further;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
