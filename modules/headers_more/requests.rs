//! Changes of a request's header.

use http::{Flow, Handler, Request};
use proto::http1::Name;

use crate::read::{Change, Mode, has_type, names};

/// In the order of writing.
pub struct Changes(pub Vec<Change>);

impl Handler for Changes {
    fn handle(&self, request: &mut Request) -> Flow {
        for Change { types, mode, fields, .. } in &self.0 {
            if !has_type(types, request.header(Name::ContentType)) {
                continue;
            }
            for (name, template) in fields {
                let bytes = request.bytes.clone();
                let mut all = request.head.fields.iter();
                let is_there = all.any(|field| names(name, field.name.of(&bytes)));
                if *mode == Mode::OnlyReplace && !is_there {
                    continue;
                }
                let value = template.as_ref().map(|template| template.evaluate(request));
                if is_there {
                    request.remove_fields(|field| names(name, field));
                }
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    request.add_field(name.as_bytes(), &value);
                }
            }
        }
        Flow::Declined
    }
}
