//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use crate::count::SHORTEST;

/// What is printed for `--help`, and for what is not understood.
pub const USAGE: &str = "\
events-load --target ADDRESS:PORT[,ADDRESS:PORT…] [FLAGS]

  --path PREFIX      channels are PREFIX0, PREFIX1 …             (/events/load)
  --channels N       how many; subscribers are spread over them  (1)
  --subscribers N    how many                                    (1000)
  --size BYTES       of an event's data                          (150)
  --rate N           publishes a second, over all channels; 0: none; `saturate`  (20)
  --publishers N     connections of publishers                   (4)
  --pipeline N       publishes in flight on each, when it saturates              (4)
  --seconds S        how long a round takes                      (4)
  --joins N          instead of all this N clients come with a Last-Event-ID,
                     read what follows and leave                 (0)
  --replay N         how many events follow                      (100)
  --at-once N        so many of them at a time                   (256)
  --wait             print READY, run a round for each line on stdin, leave at its end;
                     without it one round is run

Several addresses of the loopback network give each its own range of ports. Each connection
takes a descriptor: see `ulimit -n`.";

/// How fast to publish.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// So many a second.
    PerSecond(f64),
    /// As many as the server takes.
    Saturate,
}

/// The flags.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub targets: Vec<SocketAddr>,
    pub path: String,
    pub channels: usize,
    pub subscribers: usize,
    pub size: usize,
    pub rate: Rate,
    pub publishers: usize,
    pub pipeline: usize,
    pub time: Duration,
    pub joins: usize,
    pub replay: u64,
    pub at_once: usize,
    pub wait: bool,
}

impl Options {
    /// The address that the connection of this number goes to.
    pub fn target(&self, number: usize) -> SocketAddr {
        self.targets[number % self.targets.len()]
    }

    /// How many subscribers a channel has.
    pub fn readers(&self, channel: usize) -> u64 {
        let more = channel < self.subscribers % self.channels;
        (self.subscribers / self.channels) as u64 + u64::from(more)
    }
}

/// Reads the arguments.
pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        targets: Vec::new(),
        path: "/events/load".to_owned(),
        channels: 1,
        subscribers: 1000,
        size: 150,
        rate: Rate::PerSecond(20.0),
        publishers: 4,
        pipeline: 4,
        time: Duration::from_secs(4),
        joins: 0,
        replay: 100,
        at_once: 256,
        wait: false,
    };
    let mut args = args.into_iter();
    while let Some(flag) = args.next() {
        if flag == "--wait" {
            options.wait = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
        set(&mut options, &flag, &value)?;
    }
    if options.targets.is_empty() || options.size < SHORTEST {
        return Err(format!("--target is needed, and --size from {SHORTEST} on"));
    }
    Ok(options)
}

fn set(options: &mut Options, flag: &str, value: &str) -> Result<(), String> {
    let wrong = || format!("{flag} {value}: not understood");
    let number = || value.parse::<usize>().map_err(|_| wrong());
    let positive = || number().map(|number| number.max(1));
    match flag {
        "--target" => {
            let all: Result<_, _> = value.split(',').map(str::parse).collect();
            options.targets = all.map_err(|_| wrong())?;
        }
        "--path" => options.path = value.to_owned(),
        "--channels" => options.channels = positive()?,
        "--subscribers" => options.subscribers = number()?,
        "--size" => options.size = number()?,
        "--rate" if value == "saturate" => options.rate = Rate::Saturate,
        "--rate" => options.rate = Rate::PerSecond(number()? as f64),
        "--publishers" => options.publishers = positive()?,
        "--pipeline" => options.pipeline = positive()?,
        "--seconds" => options.time = Duration::from_secs(number()? as u64),
        "--joins" => options.joins = number()?,
        "--replay" => options.replay = positive()? as u64,
        "--at-once" => options.at_once = positive()?,
        _ => return Err(format!("{flag}: no such flag")),
    }
    Ok(())
}

#[test]
fn flags_are_read() {
    let parse = |line: &str| parse(line.split(' ').map(str::to_owned));
    let line =
        "--target 127.0.0.1:1,127.0.0.2:1 --rate saturate --channels 3 --subscribers 10 --wait";
    let options = parse(line).expect("options");
    assert_eq!((options.rate, options.wait), (Rate::Saturate, true));
    assert_eq!(options.target(3), "127.0.0.2:1".parse().expect("an address"));
    assert_eq!([0, 1, 2].map(|channel| options.readers(channel)), [4, 3, 3]);
    for wrong in ["--rate 1", "--target x", "--target 127.0.0.1:1 --size 3", "--what 1", "--size"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}
