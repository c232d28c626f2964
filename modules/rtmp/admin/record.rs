//! An operator starts and stops recorders.

use std::rc::Rc;

use crate::follow;
use crate::running::Running;
use crate::settings::app::App;
use proto::query;

/// Has a recorder started or stopped, if this worker has it: gives the file.
pub fn run(running: &Running, words: &[u8], out: &mut Vec<u8>) {
    let get = |name: &str| query::get(words, name.as_bytes()).unwrap_or_default();
    let server = std::str::from_utf8(&get("srv")).ok().and_then(|text| text.parse::<usize>().ok());
    let recorder = format!("record/{}", String::from_utf8_lossy(&get("rec")));
    let (app, name, word) = (get("app"), get("name"), get("who"));
    let is_meant = |known: &&Rc<App>| {
        known.name.as_bytes() == app && server.is_none_or(|server| known.server == server)
    };
    let apps = running.servers.iter().flat_map(|server| &server.apps).filter(is_meant);
    for app in apps {
        if let Some(path) = follow::command(&app.channel(&name), &recorder, &word) {
            query::add(out, "path", &path);
            return;
        }
    }
}
