//! What a fan-out costs if there is nothing but its socket calls: one `sendmsg` for each message and
//! player, of the sizes and at the pace of `rtmp-load`'s stream. No server can be below that, unless it
//! collects messages.
//!
//! ```text
//! rtmp-floor PLAYERS SECONDS      listens, prints its port, sends to so many; prints µs per message
//! rtmp-floor --sink PORT PLAYERS  connects so often, and reads until the end
//! ```
#![forbid(unsafe_code)]

use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// A frame of video at 2.5 Mbit/s and 30 a second, and of audio at 43 a second: bytes, and the time from one
/// to the next.
const FRAMES: [(usize, f64); 2] = [(10_417, 1.0 / 30.0), (180, 1.0 / 43.0)];

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| args.get(at).and_then(|text| text.parse().ok()).unwrap_or(0);
    match args.first().map(String::as_str) {
        Some("--sink") => sink(number(1) as u16, number(2)),
        _ => pour(number(0), Duration::from_secs(number(1) as u64)),
    }
}

fn sink(port: u16, players: usize) -> io::Result<()> {
    let mut poll = mio::Poll::new()?;
    let mut events = mio::Events::with_capacity(512);
    let mut streams: Vec<TcpStream> = Vec::new();
    for number in 0..players {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nonblocking(true)?;
        let mut source = mio::unix::SourceFd(&stream.as_raw_fd());
        poll.registry().register(&mut source, mio::Token(number), mio::Interest::READABLE)?;
        streams.push(stream);
    }
    let mut room = vec![0; 64 << 10];
    let mut open = players;
    while open > 0 {
        poll.poll(&mut events, None)?;
        for event in &events {
            loop {
                match streams[event.token().0].read(&mut room) {
                    Ok(0) => {
                        open -= 1;
                        break;
                    }
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
        }
    }
    Ok(())
}

fn pour(players: usize, time: Duration) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?.port());
    let mut streams = Vec::new();
    for _ in 0..players {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let payload = vec![0x55; FRAMES[0].0];
    let (begin, before) = (Instant::now(), processor_time()?);
    let (mut due, mut messages) = ([0.0; 2], 0u64);
    loop {
        let kind = usize::from(due[1] < due[0]);
        let at = begin + Duration::from_secs_f64(due[kind]);
        if at > begin + time {
            break;
        }
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        due[kind] += FRAMES[kind].1;
        let payload = &payload[..FRAMES[kind].0];
        let slices = [IoSlice::new(&[0; 8]), IoSlice::new(payload)];
        for stream in &mut streams {
            // The sink is faster: what a socket does not take whole is not made up for.
            let _ = stream.write_vectored(&slices)?;
            messages += 1;
        }
    }
    println!("{:.3}", (processor_time()? - before) / messages as f64);
    Ok(())
}

/// This process's own time on the processor, in microseconds.
fn processor_time() -> io::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let first = text.split(' ').next().and_then(|number| number.parse::<f64>().ok());
    first.map(|nanoseconds| nanoseconds / 1000.0).ok_or_else(|| io::ErrorKind::InvalidData.into())
}
