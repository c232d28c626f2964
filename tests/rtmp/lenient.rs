//! What encoders get wrong, and nothing depends on.

use proto::rtmp::amf::Value;
use proto::rtmp::message;

use crate::client::Client;
use crate::frames::{aac, key, metadata};
use crate::up;

/// nginx-rtmp looks at no number of a message stream, and encoders get theirs wrong: one that counts from 0, one that writes it in
/// the other byte order, one that makes none.
#[test]
fn the_number_of_a_message_stream_keeps_nobody_out() {
    let server = up("publish_grace 0;");
    for (n, number) in [0, 1, 2, 0x0100_0000, u32::MAX].into_iter().enumerate() {
        let name = format!("s{n}");
        let mut client = Client::connect(&server, "live");
        client.set_chunk_size(60_000);
        client.call(number, "publish", &[Value::Null, name.as_str().into(), "live".into()]);
        assert_eq!(client.answer(), "NetStream.Publish.Start", "{number}");
        // Metadata, sound and pictures, each in another one.
        client.message(4, message::DATA, 0, 0, &metadata(640.0));
        client.message(7, message::VIDEO, 0x0100_0000, 0, &key(1));
        client.message(6, message::AUDIO, 2, 0, &aac(1));
        client.sync();
        let mut player = Client::connect(&server, "live");
        player.call(number, "play", &[Value::Null, name.as_str().into()]);
        player.expect("NetStream.Play.Start");
        let frames = player.take(3);
        assert!(frames.iter().all(|frame| frame.stream == number), "{frames:?}");
        let said: Vec<String> = frames.iter().map(crate::frames::label).collect();
        assert_eq!(said, ["meta@0", "k1@0", "a1@0"]);
        // The end, too: nginx-rtmp closes what there is.
        client.call(0, "deleteStream", &[Value::Null, 77.0.into()]);
        client.expect("NetStream.Unpublish.Success");
    }
    // Where several are published the number counts, and what is nobody's is told once.
    let mut client = Client::publisher(&server, "a");
    assert_eq!(client.publish("b"), 2);
    (0..2).for_each(|n| client.message(7, message::VIDEO, 7, 0, &key(n)));
    client.sync();
    let mut idle = Client::connect(&server, "live");
    (0..2).for_each(|n| idle.message(7, message::VIDEO, 1, 0, &key(n)));
    idle.sync();
    let log = server.error_log();
    assert_eq!(log.matches("are dropped: nothing is published there").count(), 2, "{log}");
}

/// A word that says nothing that matters here: Wirecast writes it in capitals, others their application's name.
#[test]
fn any_type_of_publishing_is_live() {
    let program = crate::program::Program::answering("HTTP/1.0 200 OK\r\n\r\n");
    let server = up(&format!("on_publish {}/;", program.url()));
    let kinds = [
        ("LIVE", "live"),
        ("Record", "record"),
        ("appendWithGap", "append"),
        ("live2", "live"),
        ("", "live"),
        (" live", "live"),
    ];
    for (n, (given, told)) in kinds.into_iter().enumerate() {
        let mut client = Client::connect(&server, "live");
        client.create_stream();
        let name = format!("s{n}");
        client.call(1, "publish", &[Value::Null, name.as_str().into(), given.into()]);
        assert_eq!(client.answer(), "NetStream.Publish.Start", "{given}");
        let words = program.next().words();
        assert!(words.contains(&("type".into(), told.into())), "{given}: {words:?}");
    }
}
