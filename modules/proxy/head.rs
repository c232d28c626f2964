//! The head of a request as it goes out: what `proxy_set_header` says, in the place of what the server would say by itself, then
//! the client's fields.

use conf::{Error, Word};
use http::{Hooks, Request, Template};
use mem::Str;
use proto::http1::{Body as Framing, Name};
use upstream::Purpose;

use crate::pass::Names;

/// The version of HTTP that peers are spoken to in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: a connection for each request.
    V10,
    /// HTTP/1.1
    V11,
}

/// What goes out with each request of a location.
pub struct Fields {
    parts: Vec<Part>,
    /// Names that are not taken from the client: what is known of them as a set, and the others.
    known: Vec<Name>,
    others: Vec<Vec<u8>>,
    /// The client's fields are passed on.
    passes: bool,
    /// Of a body that is empty that is said.
    says_empty: bool,
}

enum Part {
    /// Whole lines.
    Written(Vec<u8>),
    /// A line, if the value is not empty.
    Field(Vec<u8>, Template),
    /// `Host: $proxy_host`
    Host,
    /// How long the body is, or that it is in chunks.
    Length,
}

/// What is not passed on, whatever is set: it belongs to the client's connection.
const OWN: [Name; 8] = [
    Name::Connection,
    Name::KeepAlive,
    Name::ProxyConnection,
    Name::Te,
    Name::Expect,
    Name::Upgrade,
    Name::TransferEncoding,
    Name::ContentLength,
];

impl Fields {
    /// With these fields. `version`: 1.0 has the connection closed.
    pub fn compile(
        set: &[(Word, Word)],
        version: Version,
        passes: bool,
        hooks: &Hooks<'_, '_>,
    ) -> Result<Fields, Error> {
        let names = |name: &str| set.iter().any(|(word, _)| word.text.eq_ignore_ascii_case(name));
        let (parts, known, others) = (Vec::new(), OWN.to_vec(), Vec::new());
        let mut fields = Fields { parts, known, others, passes, says_empty: true };
        if !names("Host") {
            fields.parts.push(Part::Host);
            fields.suppress(b"host");
        }
        // HTTP/2 in the place of a connection's HTTP/1 would pass by all that is decided here.
        fields.suppress(b"http2-settings");
        for (name, value) in set {
            fields.set(name, value, version, hooks)?;
        }
        if version == Version::V10 && !names("Connection") {
            fields.write(b"Connection: close\r\n");
        }
        // Whatever is written of it: a body whose end the peer does not know would be its next request.
        fields.parts.push(Part::Length);
        fields.says_empty = !names("Content-Length") && !names("Transfer-Encoding");
        Ok(fields)
    }

    fn set(
        &mut self,
        name: &Word,
        value: &Word,
        version: Version,
        hooks: &Hooks<'_, '_>,
    ) -> Result<(), Error> {
        let name = conf::text::bytes(&name.text).to_vec();
        if matches!(Name::of(&name), Name::ContentLength | Name::TransferEncoding) {
            return Ok(());
        }
        self.suppress(&name);
        let template = hooks.template(value)?;
        match template.as_literal() {
            // The server's own, in HTTP/1.1.
            Some(text) if text.is_empty() => {
                if name.eq_ignore_ascii_case(b"host") && version == Version::V11 {
                    self.parts.push(Part::Host);
                }
            }
            Some(text) => self.write(&[&name[..], b": ", text, b"\r\n"].concat()),
            None => self.parts.push(Part::Field(name, template)),
        }
        Ok(())
    }

    fn suppress(&mut self, name: &[u8]) {
        match Name::of(name) {
            Name::Other => self.others.push(name.to_ascii_lowercase()),
            known => self.known.push(known),
        }
    }

    /// Lines that stand behind each other are one.
    fn write(&mut self, lines: &[u8]) {
        match self.parts.last_mut() {
            Some(Part::Written(before)) => before.extend_from_slice(lines),
            _ => self.parts.push(Part::Written(lines.to_vec())),
        }
    }

    /// Appends all of them, and the empty line. `length`: of the body; `None`: it is in chunks.
    pub fn render(
        &self,
        request: &mut Request,
        names: &Names,
        length: Option<u64>,
        purpose: Purpose<'_>,
        out: &mut Vec<u8>,
    ) {
        for part in &self.parts {
            match part {
                Part::Written(lines) => out.extend_from_slice(lines),
                Part::Host => line(b"Host", &names.host, out),
                Part::Length => self.render_length(request, length, out),
                Part::Field(name, template) => {
                    let value: Str = template.evaluate(request);
                    if !value.is_empty() && !is_http2(name, &value) {
                        line(name, &value, out);
                    }
                }
            }
        }
        for (name, value) in purpose.conditions() {
            line(name.as_bytes(), value, out);
        }
        if self.passes {
            self.render_client(request, purpose, out);
        }
        out.extend_from_slice(b"\r\n");
    }

    fn render_length(&self, request: &Request, length: Option<u64>, out: &mut Vec<u8>) {
        match length {
            None => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            // Of what has no body nothing is said.
            Some(0) if request.framing == Framing::None || !self.says_empty => {}
            Some(length) => line(b"Content-Length", length.to_string().as_bytes(), out),
        }
    }

    fn render_client(&self, request: &Request, purpose: Purpose<'_>, out: &mut Vec<u8>) {
        let bytes = &request.bytes;
        // A client that asks for no more than to keep the connection names no fields.
        let named = request.header(Name::Connection).filter(|value| {
            !value.eq_ignore_ascii_case(b"keep-alive") && !value.eq_ignore_ascii_case(b"close")
        });
        let named = named.map(|_| request.header_list("connection"));
        for field in &request.head.fields {
            let name = field.name.of(bytes);
            let is_kept_back = match field.id {
                Name::Other => self.others.iter().any(|other| other.eq_ignore_ascii_case(name)),
                known => self.known.contains(&known) || purpose.keeps_back(known),
            };
            let is_named = || {
                let list = named.as_deref().unwrap_or_default();
                list.split(|&byte| byte == b',')
                    .any(|one| one.trim_ascii().eq_ignore_ascii_case(name))
            };
            if !is_kept_back && !is_named() {
                line(name, field.value.of(bytes), out);
            }
        }
    }
}

/// Whether an upgrade to HTTP/2 is asked for (RFC 7540 §3.2), which RFC 9113 has given up.
fn is_http2(name: &[u8], value: &[u8]) -> bool {
    let mut words = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    name.eq_ignore_ascii_case(b"upgrade") && words.any(|word| word.eq_ignore_ascii_case(b"h2c"))
}

/// A field's line. What a variable has brought may not begin another one.
fn line(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    let start = out.len();
    out.extend_from_slice(value);
    for byte in &mut out[start..] {
        if matches!(byte, b'\r' | b'\n' | 0) {
            *byte = b' ';
        }
    }
    out.extend_from_slice(b"\r\n");
}
