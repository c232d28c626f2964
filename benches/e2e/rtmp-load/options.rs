//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use crate::media::Shape;
use crate::session::Wish;

/// What is printed for what is not understood.
pub const USAGE: &str = "\
rtmp-load --target ADDRESS:PORT [FLAGS]

  --app NAME         the application                                    (live)
  --stream PREFIX    streams are PREFIX0, PREFIX1 …                     (load)
  --publishers N     one for each of the first N streams                (0)
  --players N        clients that play and check                        (0)
  --stalled N        clients that ask for a stream and do not read      (0)
  --joins N          in each round so many players come at once, see a key frame and leave;
                     the round begins half a group behind a key frame   (0)
  --streams N        players, stalled and joining ones are spread over so many  (1)

  --rate N           frames a second                                    (30)
  --bits N           bits of video a second                             (2500000)
  --group N          frames from one key frame to the next              (60)
  --audio on|off     43 frames a second of 180 bytes                    (on)
  --chunk N          bytes of a publisher's chunks                      (4096)
  --first N          number of the first frames; another upper half of its 64 bits
                     says that another publisher takes over             (0)

  --flv PATH         play over HTTP; {} in the path is the stream       (RTMP)
  --websocket        and over a WebSocket

  --seconds S        how long a round takes                             (4)
  --wait             print READY, run a round for each line on stdin, leave at its end;
                     without it one round is run

Each round prints a line of JSON. What is published goes on between rounds. Each connection takes a
descriptor: see `ulimit -n`.";

/// The flags.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub target: SocketAddr,
    pub app: String,
    pub stream: String,
    pub publishers: usize,
    pub players: usize,
    pub stalled: usize,
    pub joins: usize,
    pub streams: usize,
    pub shape: Shape,
    pub first: u64,
    pub flv: Option<String>,
    pub websocket: bool,
    pub time: Duration,
    pub wait: bool,
}

impl Options {
    /// The stream of the client of this number.
    pub fn name(&self, wish: Wish, number: usize) -> String {
        let stream = if wish == Wish::Publish { number } else { number % self.streams };
        format!("{}{stream}", self.stream)
    }
}

/// Reads the arguments.
pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        target: SocketAddr::from(([127, 0, 0, 1], 0)),
        app: "live".to_owned(),
        stream: "load".to_owned(),
        publishers: 0,
        players: 0,
        stalled: 0,
        joins: 0,
        streams: 1,
        shape: Shape { rate: 30.0, bits: 2.5e6, group: 60, audio: true, chunk: 4096 },
        first: 0,
        flv: None,
        websocket: false,
        time: Duration::from_secs(4),
        wait: false,
    };
    let mut args = args.into_iter();
    while let Some(flag) = args.next() {
        match flag.as_str() {
            "--wait" => options.wait = true,
            "--websocket" => options.websocket = true,
            _ => {
                let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
                set(&mut options, &flag, &value)?;
            }
        }
    }
    if options.target.port() == 0 || options.websocket && options.flv.is_none() {
        return Err("--target is needed, and --flv for --websocket".to_owned());
    }
    Ok(options)
}

fn set(options: &mut Options, flag: &str, value: &str) -> Result<(), String> {
    let wrong = || format!("{flag} {value}: not understood");
    let number = || value.parse::<u64>().map_err(|_| wrong());
    let count = || number().map(|number| number as usize);
    let positive =
        || number().and_then(|number| if number == 0 { Err(wrong()) } else { Ok(number) });
    match flag {
        "--target" => options.target = value.parse().map_err(|_| wrong())?,
        "--app" => options.app = value.to_owned(),
        "--stream" => options.stream = value.to_owned(),
        "--publishers" => options.publishers = count()?,
        "--players" => options.players = count()?,
        "--stalled" => options.stalled = count()?,
        "--joins" => options.joins = count()?,
        "--streams" => options.streams = positive()? as usize,
        "--rate" => options.shape.rate = positive()? as f64,
        "--bits" => options.shape.bits = positive()? as f64,
        "--group" => options.shape.group = positive()?,
        "--audio" if matches!(value, "on" | "off") => options.shape.audio = value == "on",
        "--chunk" => options.shape.chunk = positive()?.max(128) as usize,
        "--first" => options.first = number()?,
        "--flv" => options.flv = Some(value.to_owned()),
        "--seconds" => options.time = Duration::from_secs(positive()?),
        _ => return Err(format!("{flag}: no such flag, or not with {value}")),
    }
    Ok(())
}

#[test]
fn flags_are_read() {
    let parse = |line: &str| parse(line.split(' ').map(str::to_owned));
    let options = parse("--target 127.0.0.1:1 --players 3 --streams 2 --audio off --wait");
    let options = options.expect("options");
    assert_eq!((options.players, options.shape.audio, options.wait), (3, false, true));
    assert_eq!(options.name(Wish::Play, 3), "load1");
    assert_eq!(options.name(Wish::Publish, 3), "load3");
    for wrong in ["--players 1", "--target x", "--target 127.0.0.1:1 --rate 0", "--audio", "--x 1"]
    {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}
