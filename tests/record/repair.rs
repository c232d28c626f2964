//! What a crash or a loss of power has left is made whole when the server starts.

use support::wait_for;

use crate::film::Publisher;
use crate::recorded::{index, is_all_of, media, path, payloads, probe, sent, told, wait_for_end};
use crate::up;

/// All processes are killed at once, as by a loss of power, and the file ends anywhere.
#[test]
fn a_torn_file_is_whole_after_the_start() {
    let mut server = up("record all;");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(4000);
    let file = path(&server, "s.flv");
    wait_for("the file", || std::fs::metadata(&file).is_ok_and(|about| about.len() > 200_000));
    server.kill_everything();
    drop(publisher);
    let torn = std::fs::read(&file).expect("the file");
    let all = sent(4000);
    // A tail of zeros, a torn tag, nothing torn.
    for (round, cut) in [(0, 0), (1, 1), (2, 700), (3, 4096)] {
        let mut bytes = torn[..torn.len() - cut].to_vec();
        bytes.resize(bytes.len() + if round == 0 { 5000 } else { 0 }, 0);
        // In place: it is known by its inode.
        std::fs::write(&file, bytes).expect("written");
        let journal = path(&server, ".rserve-live.journal");
        let text = std::fs::read_to_string(&journal).expect("the journal");
        server.start_again().expect("it starts");
        wait_for_end(&file);
        let found = media(&file);
        is_all_of(&found, &all[..found.len()]);
        assert!(found.len() + 60 > all.len(), "{} of {}", found.len(), all.len());
        probe(&file);
        let last = f64::from(found.iter().map(|one| one.time).max().expect("a frame")) / 1000.0;
        assert_eq!(told(&file, "lasttimestamp"), last);
        assert!(index(&file).len() >= 3);
        server.stop();
        // As it was.
        std::fs::write(&journal, text).expect("written");
    }
    // A file of the same name that somebody has put there is none of ours.
    std::fs::rename(&file, path(&server, "old.flv")).expect("renamed");
    std::fs::write(&file, &torn[..torn.len() - 3]).expect("written");
    server.start_again().expect("it starts");
    let mut publisher = Publisher::new(&server, "t");
    publisher.run(500);
    publisher.end();
    wait_for_end(&path(&server, "t.flv"));
    assert_eq!(std::fs::read(&file).expect("the file"), &torn[..torn.len() - 3]);
    assert!(!payloads(&all).is_empty());
}
