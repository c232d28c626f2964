//! What a `rewrite` makes of a URI that its expression matches.

use std::rc::Rc;

use conf::{Error, Word};
use http::{Hooks, LogLevel, Piece, Regex, Request, Template};
use mem::Str;

use crate::condition;
use crate::read::{End, Expression};

/// A `rewrite`, compiled.
pub struct Replace {
    regex: Rc<Regex>,
    /// Of a redirect all of it, else what stands before a `?`.
    path: Template,
    args: Option<Template>,
    /// The request's own arguments follow.
    adds_args: bool,
    has_question_mark: bool,
    /// What follows.
    pub end: End,
}

impl Replace {
    /// Compiles it.
    pub fn compile(
        expression: &Expression,
        replacement: &Word,
        end: End,
        hooks: &Hooks<'_, '_>,
    ) -> Result<Replace, Error> {
        let undeclared = || hooks.error(&expression.word, "the expression was not declared");
        let regex = expression.regex().ok_or_else(undeclared)?;
        let (text, adds_args) = match replacement.text.strip_suffix('?') {
            Some(text) => (text, false),
            None => (replacement.text.as_str(), true),
        };
        let compile =
            |text: &str| hooks.template(&Word { text: text.to_owned(), ..replacement.clone() });
        let (path, args) = match text.split_once('?') {
            Some((path, args)) if !matches!(end, End::Redirect(_)) => (path, Some(compile(args)?)),
            _ => (text, None),
        };
        let has_question_mark = text.contains('?');
        Ok(Replace { regex, path: compile(path)?, args, adds_args, has_question_mark, end })
    }

    /// Changes the URI, or says where to, if the expression matches; and whether it does. The error is a status.
    pub fn run(&self, request: &mut Request, log: bool) -> Result<bool, u16> {
        let uri = request.uri.clone();
        if !condition::matches(&self.regex, &uri, request, log)? {
            return Ok(false);
        }
        match self.end {
            End::Redirect(_) => self.redirect(request, log),
            _ => self.rewrite(request, log)?,
        }
        Ok(true)
    }

    fn rewrite(&self, request: &mut Request, log: bool) -> Result<(), u16> {
        let (mut path, mut args) = (Vec::new(), Vec::new());
        write(&self.path, request, &mut path, false);
        if self.path.climbs(&path) {
            let path = String::from_utf8_lossy(&path);
            let message = format_args!("\"{path}\" goes up where the replacement does not say so");
            request.error(LogLevel::Error, message);
            return Err(404);
        }
        if let Some(template) = &self.args {
            write(template, request, &mut args, true);
        }
        if self.adds_args && self.args.is_some() && !request.args.is_empty() {
            args.push(b'&');
            args.extend_from_slice(&request.args);
        }
        if self.args.is_some() || !self.adds_args {
            request.args = request.pool.copy(&args);
        }
        request.internal = true;
        request.uri = request.pool.copy(&path);
        if log {
            let message =
                format_args!("rewritten data: \"{}\", args: \"{}\"", request.uri, request.args);
            request.error(LogLevel::Notice, message);
        }
        if request.uri.is_empty() {
            request.error(LogLevel::Error, format_args!("the rewritten URI has a zero length"));
            return Err(500);
        }
        Ok(())
    }

    fn redirect(&self, request: &mut Request, log: bool) {
        let mut text = Vec::new();
        write(&self.path, request, &mut text, true);
        let mut target = Vec::new();
        proto::uri::unescape_redirect(&text, &mut target);
        if self.adds_args && !request.args.is_empty() {
            target.push(if self.has_question_mark { b'&' } else { b'?' });
            target.extend_from_slice(&request.args);
        }
        let target: Str = request.pool.copy(&target);
        if log {
            request.error(LogLevel::Notice, format_args!("rewritten redirect: \"{target}\""));
        }
        request.response.location = Some(target);
    }
}

/// Appends the text. What was captured is decoded: where that can be seen, a group is escaped again if it is among
/// arguments or in a redirect, as in nginx.
fn write(template: &Template, request: &Request, out: &mut Vec<u8>, quotes: bool) {
    let quotes = quotes && is_quoted(request);
    template.pieces(request, |piece| match piece {
        Piece::Captured(text) if quotes => proto::uri::escape_args(text, out),
        Piece::Written(text) | Piece::Value(text) | Piece::Captured(text) => {
            out.extend_from_slice(text);
        }
    });
}

/// Whether the URI was sent with something that decoding changes.
fn is_quoted(request: &Request) -> bool {
    let (path, _) = proto::uri::split_args(request.request_uri());
    path.iter().any(|byte| matches!(byte, b'%' | b'+'))
}
