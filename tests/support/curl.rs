//! curl: a client that knows HTTP better than we do; and in its place, for what is plain, one that costs no process.

use std::process::Command;

use crate::{Answer, PATIENCE, Transport, process, request};

/// The answer to a request that is described in curl's words.
pub fn curl(args: &[&str]) -> Answer {
    request::ask(args).unwrap_or_else(|| curl_itself(args))
}

/// Runs curl with these arguments and gives the last answer that it got. URIs go out as they are
/// written. What curl says of an answer that broke off is left to `complete`.
pub fn curl_itself(args: &[&str]) -> Answer {
    let mut command = Command::new("curl");
    command.args(["--silent", "--include", "--path-as-is", "--globoff", "--insecure"]);
    command.arg(match Transport::of_run() {
        Transport::H2 => "--http2",
        Transport::Plain | Transport::Tls => "--http1.1",
    });
    command.args(["--max-time", &PATIENCE.as_secs().to_string(), "--noproxy", "*"]);
    let output = process::run(command.args(args));
    let method = match args.iter().any(|arg| matches!(*arg, "-I" | "--head")) {
        true => "HEAD",
        false => "GET",
    };
    let mut bytes = &output.stdout[..];
    let mut last = Answer::default();
    while let Some((mut answer, head)) = split(bytes) {
        bytes = &bytes[head..];
        let more = bytes.starts_with(b"HTTP/") && (answer.status < 400);
        if !more {
            // curl has taken the chunks' frames away already.
            answer.body = if method == "HEAD" { Vec::new() } else { bytes.to_vec() };
            answer.complete = output.status.success();
            return answer;
        }
        last = answer;
    }
    last
}

/// The first head in `bytes`, and its length.
fn split(bytes: &[u8]) -> Option<(Answer, usize)> {
    let len = bytes.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
    let (answer, _) = crate::answer::parse(&bytes[..len], "HEAD", true)?;
    Some((answer, len))
}
