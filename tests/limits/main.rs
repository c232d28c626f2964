//! `limit_req` and `limit_conn`: how many requests, and how many at the same time. The right values are nginx's, which
//! runs beside with the same configuration.

mod connections;
mod hostile;
mod processes;
mod requests;
mod stopped;
mod words;

use std::os::fd::OwnedFd;
use std::sync::Arc;

use shm::{Region, Table};
use support::{Answer, Server, Twin, Wire, http, start};

/// A configuration in which zones are declared and a server has `/` and these locations.
fn conf(zones: &str, locations: &str) -> String {
    http(&format!(
        "log_format told '$uri $status $limit_req_status $limit_conn_status'; access_log logs/told.log told;
         keepalive_requests 1000000; {zones}
         server {{ listen 127.0.0.1:{{port}}; root html; {locations} }}"
    ))
    .replace("access_log logs/access.log combined buffer=0;", "")
    .replace("logs/told.log told", "logs/access.log told buffer=0")
}

/// Both servers with that configuration, and a file for them.
#[track_caller]
fn both(conf: &str) -> (Server, Twin) {
    let server = start!(conf);
    server.file("html/a", "hello");
    server.file("html/big", support::bytes(4 << 20));
    let twin = Twin::start(conf, &server);
    (server, twin)
}

/// The table of a server's zone, by the name of its memory.
fn table(server: &Server, name: &str) -> Table {
    let name = format!("/memfd:rserve-{name}");
    let folder = format!("/proc/{}/fd", server.pid());
    let entries = std::fs::read_dir(folder).expect("descriptors").flatten();
    let memory = entries.map(|entry| entry.path()).find(|path| {
        std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with(&name))
    });
    let memory = memory.expect("the zone's memory");
    let file = std::fs::File::options().read(true).write(true).open(memory).expect("opened");
    Table::of(Arc::new(Region::inherit(OwnedFd::from(file)).expect("mapped"))).expect("a table")
}

/// A GET on a connection, without waiting for the answer.
fn ask(wire: &mut Wire, path: &str, fields: &str) {
    assert!(wire.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n")));
}

fn get(wire: &mut Wire, path: &str, fields: &str) -> Answer {
    ask(wire, path, fields);
    wire.answer()
}

/// The lines of an error log that tell of limits: from their word on, up to who asked; an excess without its fraction,
/// which depends on the moment.
fn told(log: &str) -> Vec<String> {
    let starts = ["limiting ", "delaying ", "the value of the ", "could not allocate"];
    let of = |line: &str| {
        let from = starts.iter().find_map(|start| line.find(start))?;
        let line = line[from..].split(", client: ").next().unwrap_or_default();
        // nginx cuts lines of more than two kilobytes.
        let line = line.get(..200).unwrap_or(line);
        let Some((before, after)) = line.split_once("excess: ") else {
            return Some(line.to_owned());
        };
        let (whole, fraction) = after.split_once('.')?;
        // 1.998 is 2, less what has leaked since.
        let nearest = whole.parse::<u64>().ok()? + u64::from(&fraction[..3] >= "500");
        Some(format!("{before}excess: {nearest}{}", &fraction[3..]))
    };
    log.lines().filter_map(of).collect()
}
