//! What a start in a terminal says: what runs where, and how to stop and reload it.

use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use module::Request;
use sys::socket::Address;

use crate::cycle::Cycle;
use crate::options::Options;
use crate::place::Place;
use crate::{NAME, VERSION, say};

/// Prints it, if somebody sits there.
pub fn print(options: &Options, place: &Place, cycle: &Cycle) {
    if std::io::stderr().is_terminal() {
        say(format_args!("{}", text(options, place, cycle)));
    }
}

fn text(options: &Options, place: &Place, cycle: &Cycle) -> String {
    let mut text = format!("{NAME} {VERSION} serves\n\n");
    let (web, others): (Vec<_>, Vec<_>) =
        cycle.requests.iter().partition(|request| request.scheme == "http");
    for request in web.into_iter().chain(others) {
        text.push_str(&format!("    {}\n", url(request)));
    }
    let command = command(options);
    let log = cycle.log.first().map(|log| log.target().path());
    let rows = [
        ("configuration", shown(&place.prefix.join(&place.conf))),
        ("error log", log.map(shown).unwrap_or_default()),
        ("after a change", format!("{command} -s reload")),
        ("to stop it", format!("{command} -s quit{}", ctrl_c(cycle))),
    ];
    text.push('\n');
    for (name, value) in rows {
        text.push_str(&format!("    {name:<16}{value}\n"));
    }
    text.push('\n');
    text
}

fn ctrl_c(cycle: &Cycle) -> &'static str {
    match cycle.core.daemon() {
        true => "",
        false => "   (or Ctrl-C)",
    }
}

/// An address as a terminal makes it a link. A wildcard is shown as this machine's own address.
fn url(request: &Request) -> String {
    let scheme = request.scheme;
    match &request.address {
        Address::Unix(path) => format!("unix:{}   ({scheme})", path.display()),
        Address::Datagrams(address) => format!("{scheme}://{address}"),
        Address::Inet(address) => {
            let port = match address.port() {
                80 if scheme == "http" => String::new(),
                port => format!(":{port}"),
            };
            let (host, more) = match address.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST.into(), true),
                IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST.into(), true),
                ip => (ip, false),
            };
            let host = match host {
                IpAddr::V6(ip) => format!("[{ip}]"),
                IpAddr::V4(ip) => ip.to_string(),
            };
            let more = if more { "   (on every address of this machine)" } else { "" };
            format!("{scheme}://{host}{port}/{more}")
        }
    }
}

/// The command that started it, as far as another one must repeat it to mean the same server.
fn command(options: &Options) -> String {
    let program = options.argv.first().map(|word| word.to_string_lossy().into_owned());
    let mut words = vec![program.unwrap_or_else(|| NAME.to_owned())];
    if let Some(prefix) = &options.prefix {
        words.extend(["-p".to_owned(), prefix.display().to_string()]);
    }
    if let Some(conf) = &options.conf {
        words.extend(["-c".to_owned(), conf.display().to_string()]);
    }
    if !options.globals.is_empty() {
        words.extend(["-g".to_owned(), format!("'{}'", options.globals)]);
    }
    words.join(" ")
}

/// A path without the current directory before it.
fn shown(path: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&current).unwrap_or(path).display().to_string()
}

/// The line of the error log for an address.
pub fn listening(request: &Request) -> String {
    match request.address {
        Address::Inet(_) | Address::Datagrams(_) => {
            format!("listening on {}://{}/", request.scheme, request.address)
        }
        Address::Unix(_) => format!("listening on {} ({})", request.address, request.scheme),
    }
}
