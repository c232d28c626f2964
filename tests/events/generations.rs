//! Many reloads while readers stay.

use support::start;

use crate::client::{publish, subscribe};
use crate::conf;

#[test]
fn workers_with_readers_do_not_pile_up() {
    // More workers than a zone has places for in six generations.
    let server = start!(conf("").replace("worker_processes 2", "worker_processes 12"));
    let mut readers = Vec::new();
    for n in 0..12 {
        readers.extend((0..24).map(|_| subscribe(&server, "/events/c", "")));
        let output = server.command(&["-s", "reload"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "reload {n}: {said}");
    }
    publish(&server, "/events/c", "after all of them");
    // The oldest were sent away, with a time to come back; the newest hear it still.
    let first = String::from_utf8_lossy(&readers[0].rest()).into_owned();
    assert!(first.contains("retry: ") && first.ends_with("0\r\n\r\n"), "{first}");
    let last = readers.last_mut().expect("one");
    last.until("data: after all of them\n\n");
    assert!(server.workers().len() <= 64 + 12, "{}", server.workers().len());
}
