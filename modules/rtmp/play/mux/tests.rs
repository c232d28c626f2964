//! Messages in, files out: how frames look in them `proto` has its own tests for.

use super::*;

/// H.264 of 320×180, and AAC-LC of 44100 Hz.
const AVC: &[u8] = b"\x17\0\0\0\0\x01\x42\xc0\x0d\xff\xe1\0\x17\x67\x42\xc0\x0d\xd9\x01\x41\x8f\x9e\x10\0\0\x03\0\x10\0\0\x03\x03\x20\xf1\x42\xa4\x80\x01\0\x04\x68\xcb\x83\xcb";
const AAC: &[u8] = b"\xaf\0\x12\x10";

fn key(mark: u8) -> Vec<u8> {
    [&b"\x17\x01\0\0\0\0\0\0\x03\x65"[..], &[mark, mark]].concat()
}

fn inter(mark: u8) -> Vec<u8> {
    [&b"\x27\x01\0\0\0\0\0\0\x03\x41"[..], &[mark, mark]].concat()
}

fn sound(mark: u8) -> Vec<u8> {
    vec![0xAF, 1, 0x21, mark]
}

fn mp3() -> Vec<u8> {
    // MPEG-1 layer 3, 128 kbit/s, 44100 Hz, stereo.
    [&b"\x2f\xff\xfb\x90\0"[..], &[0; 413]].concat()
}

struct Played(Mux, Vec<u8>);

impl Played {
    fn new(container: Container, audio: bool, video: bool) -> Played {
        let mut mux = Mux::new(container);
        mux.expect(audio, video);
        Played(mux, Vec::new())
    }

    fn video(&mut self, time: u64, payload: &[u8]) -> Result<usize, End> {
        self.take(message::VIDEO, time, payload)
    }

    fn audio(&mut self, time: u64, payload: &[u8]) -> Result<usize, End> {
        self.take(message::AUDIO, time, payload)
    }

    /// Gives how many bytes came of it.
    fn take(&mut self, kind: u8, time: u64, payload: &[u8]) -> Result<usize, End> {
        let before = self.1.len();
        self.0.take(&Media { kind, time, payload }, &mut self.1)?;
        Ok(self.1.len() - before)
    }

    /// Names of the boxes at the top.
    fn boxes(&self) -> Vec<String> {
        let (mut at, mut names) = (0, Vec::new());
        while at < self.1.len() {
            let size =
                self.1[at..at + 4].iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
            names.push(String::from_utf8_lossy(&self.1[at + 4..at + 8]).into_owned());
            at += size;
        }
        assert_eq!(at, self.1.len(), "whole boxes");
        names
    }

    /// The packets of the program's table: their versions.
    fn versions(&self) -> Vec<u8> {
        assert_eq!(self.1.len() % 188, 0);
        let packets = self.1.chunks(188);
        let tables = packets.filter(|it| it[1] & 0x40 != 0 && it[4] == 0 && it[5] == 2);
        tables.map(|it| it[10] >> 1 & 31).collect()
    }
}

#[test]
fn a_movie_is_a_head_and_a_fragment_for_each_picture() {
    let mut played = Played::new(Container::Mp4, true, true);
    assert_eq!(played.video(0, AVC), Ok(0));
    assert_eq!(played.audio(0, AAC), Ok(0));
    assert!(!played.0.has_begun());
    assert!(played.video(0, &key(1)).is_ok_and(|count| count > 0));
    assert_eq!(played.boxes(), ["ftyp", "moov", "moof", "mdat"]);
    assert_eq!(played.audio(0, &sound(1)), Ok(0), "it waits for the next picture");
    assert!(played.video(40, &inter(2)).is_ok_and(|count| count > 0));
    assert_eq!(played.boxes()[4..], ["moof", "mdat", "moof", "mdat"]);
    // A header that says the same changes nothing, another one ends it.
    assert_eq!(played.video(40, AVC), Ok(0));
    let other = [AVC, &[0]].concat();
    assert_eq!(played.video(80, &other), Err(End::Changed));
}

#[test]
fn sound_alone_comes_ten_times_a_second() {
    let mut played = Played::new(Container::Mp4, true, false);
    played.audio(0, AAC).expect("a header");
    let frames = (0..43).map(|n| n * 1024 * 1000 / 44_100);
    let pieces = frames.filter(|time| played.audio(*time, &sound(1)).expect("sound") > 0).count();
    assert!((8..=11).contains(&pieces), "{pieces}");
    let before = played.1.len();
    played.0.flush(&mut played.1);
    assert!(played.1.len() > before, "the rest");
    assert_eq!(
        played.boxes().iter().filter(|name| *name == "moof").count(),
        pieces,
        "the first piece has the head alone"
    );
}

/// What follows could not be decoded without it.
#[test]
fn the_first_picture_is_not_lost_to_sound_that_comes_late() {
    for container in [Container::Ts, Container::Mp4] {
        for late in [&[mp3()][..], &[AAC.to_vec(), sound(1)]] {
            let mut played = Played::new(container, true, true);
            played.video(0, AVC).expect("a header");
            assert_eq!(played.video(0, &key(0x77)), Ok(0));
            for it in late {
                played.audio(5, it).expect("sound");
            }
            played.video(40, &inter(0x55)).expect("a frame");
            let has = |picture: &[u8]| played.1.windows(3).any(|it| it == picture);
            assert!(has(&[0x65, 0x77, 0x77]) && has(&[0x41, 0x55, 0x55]), "{container:?}");
        }
    }
}

#[test]
fn what_is_expected_is_waited_for_and_not_for_ever() {
    for container in [Container::Ts, Container::Mp4] {
        // MP3 has no header: its first frame comes behind the first picture.
        let mut played = Played::new(container, true, true);
        played.video(0, AVC).expect("a header");
        assert_eq!(played.video(0, &key(1)), Ok(0));
        assert!(played.audio(5, &mp3()).is_ok_and(|count| count > 0));
        // Sound that was promised and does not come.
        let mut played = Played::new(container, true, true);
        played.video(0, AVC).expect("a header");
        let began = (0..100).find(|n| {
            let frame = if *n == 0 { key(0) } else { inter(*n) };
            played.video(u64::from(*n) * 40, &frame).expect("a frame") > 0
        });
        assert_eq!(began, Some(76));
        // Nor does it take memory without an end.
        let mut played = Played::new(container, true, true);
        played.video(0, AVC).expect("a header");
        let large = [&key(1)[..5], &(1u32 << 20).to_be_bytes(), &vec![0x65; 1 << 20]].concat();
        let began = (0..10).find(|_| played.video(0, &large).expect("a frame") > 0);
        assert_eq!(began, Some(3));
    }
}

#[test]
fn it_begins_and_goes_on_with_a_key_frame() {
    for container in [Container::Ts, Container::Mp4] {
        let mut played = Played::new(container, false, true);
        assert_eq!(played.video(0, &key(1)), Ok(0), "nothing is known of it");
        played.video(0, AVC).expect("a header");
        assert_eq!(played.video(0, &inter(1)), Ok(0));
        assert!(played.video(40, &key(2)).is_ok_and(|count| count > 0));
        assert!(played.video(80, &inter(3)).is_ok_and(|count| count > 0));
        played.0.skip();
        assert_eq!(played.video(120, &inter(4)), Ok(0));
        assert!(played.video(160, &key(5)).is_ok_and(|count| count > 0));
    }
}

#[test]
fn a_transport_stream_goes_on_with_other_tracks() {
    let mut played = Played::new(Container::Ts, false, true);
    played.video(0, AVC).expect("a header");
    for n in 0..10u8 {
        let frame = if n == 0 { key(n) } else { inter(n) };
        played.video(u64::from(n) * 50, &frame).expect("a frame");
    }
    assert_eq!(played.versions(), [0; 5], "each tenth of a second");
    // Sound that nobody has announced.
    played.audio(500, AAC).expect("a header");
    assert!(played.audio(500, &sound(1)).is_ok_and(|count| count > 0));
    played.video(500, &inter(1)).expect("a frame");
    let other = [AVC, &[0]].concat();
    played.video(550, &other).expect("a header");
    assert_eq!(played.video(550, &inter(1)), Ok(0), "of the pictures before");
    played.video(600, &key(1)).expect("a frame");
    assert_eq!(played.versions()[5..], [1, 2]);
}

#[test]
fn what_has_no_place_is_named() {
    let told = |end: Result<usize, End>| match end {
        Err(End::NoPlace(why)) => why,
        other => panic!("{other:?}"),
    };
    // Sorenson's H.263 by its number, VP8 by its FourCC, Speex.
    for container in [Container::Ts, Container::Mp4] {
        let mut played = Played::new(container, true, true);
        assert!(told(played.video(0, b"\x12\0\0")).ends_with("Sorenson-H263"));
        assert!(told(played.video(0, b"\x90vp08\x01")).ends_with("VP8"));
        assert!(told(played.audio(0, b"\xb2\0\0")).contains("Speex"));
    }
    let mut played = Played::new(Container::Ts, true, true);
    let opus = [&b"\x90OpusOpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0"[..]].concat();
    assert!(told(played.audio(0, &opus)).contains("transport stream has no place for"));
    assert_eq!(Played::new(Container::Mp4, true, true).audio(0, &opus), Ok(0));
}

#[test]
fn nothing_that_a_publisher_sends_makes_it_fall() {
    let mut random = fastrand::Rng::with_seed(7);
    for container in [Container::Ts, Container::Mp4] {
        let mut played = Played::new(container, true, true);
        let known = [AVC.to_vec(), AAC.to_vec(), key(1), inter(2), sound(3), mp3()];
        for n in 0..20_000u64 {
            let mut payload = known[random.usize(..known.len())].clone();
            for _ in 0..random.usize(..3) {
                let at = random.usize(..payload.len());
                payload[at] = random.u8(..);
            }
            payload.truncate(random.usize(..=payload.len()));
            let kind = if random.bool() { message::VIDEO } else { message::AUDIO };
            let time = if random.u8(..) == 0 { random.u64(..) >> random.u32(..64) } else { n * 10 };
            if played.take(kind, time, &payload).is_err() || random.u8(..) == 0 {
                played = Played::new(container, random.bool(), random.bool());
            }
        }
    }
}

/// What is held is bounded, also where nearly nothing is in it.
#[test]
fn many_small_messages_do_not_wait() {
    let mut played = Played::new(Container::Ts, true, true);
    played.audio(0, AAC).expect("a track");
    for number in 0..200_000_u32 {
        played.audio(0, &sound(number as u8)).expect("sound");
        if played.0.has_begun() {
            return;
        }
        assert!(number < 70_000, "{number} messages wait");
    }
}
