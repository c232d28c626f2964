//! A DNS server that does what it is told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use hickory_proto::op::{Message, OpCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SRV};
use hickory_proto::rr::{Name, RData, Record};

pub use hickory_proto::op::ResponseCode;

/// A question that has come.
#[derive(Clone, Debug)]
pub struct Asked {
    /// It.
    pub message: Message,
    /// Who asks.
    pub from: SocketAddr,
    /// Over TCP.
    pub tcp: bool,
}

/// What is sent for it.
#[derive(Debug)]
pub struct Reply {
    to: SocketAddr,
    bytes: Vec<u8>,
    /// By another socket than the one that was asked.
    by_another: bool,
}

type Script = dyn FnMut(&Asked) -> Vec<Reply> + Send;

/// A server, as long as the process.
pub struct Dns {
    /// Where it is, with UDP and TCP.
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Dns {
    /// One that answers as `script` says.
    pub fn new(script: impl FnMut(&Asked) -> Vec<Reply> + Send + 'static) -> Dns {
        Dns::at(0, script)
    }

    /// The same at a port.
    pub fn at(port: u16, script: impl FnMut(&Asked) -> Vec<Reply> + Send + 'static) -> Dns {
        let (udp, tcp) = sockets(port);
        let address = udp.local_addr().expect("its address");
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(script));
        let noted = asked.clone();
        let replies = move |asked: Asked| {
            noted.lock().expect("a list").push(asked.clone());
            (script.lock().expect("a script"))(&asked)
        };
        let for_tcp = replies.clone();
        thread::spawn(move || serve_udp(&udp, replies));
        thread::spawn(move || serve_tcp(&tcp, for_tcp));
        Dns { address, asked }
    }

    /// One that knows these records, and the names that are in them.
    pub fn zone(records: &'static [&'static str]) -> Dns {
        Dns::new(|asked| vec![asked.of_zone(records)])
    }

    /// One that never says anything.
    pub fn silent() -> Dns {
        Dns::new(|_| Vec::new())
    }

    /// What has been asked so far: `A www.example`, `TCP A www.example`.
    pub fn questions(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("a list");
        asked
            .iter()
            .map(|asked| format!("{}{}", if asked.tcp { "TCP " } else { "" }, asked.text()))
            .collect()
    }

    /// How many questions have come.
    pub fn count(&self) -> usize {
        self.asked.lock().expect("a list").len()
    }

    /// The questions themselves.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("a list").clone()
    }
}

/// A datagram socket and a listener with the same port: this one, or, if it is 0, one that is free.
fn sockets(port: u16) -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind(("127.0.0.1", port)).expect("a port");
        match TcpListener::bind(udp.local_addr().expect("its address")) {
            Ok(tcp) => return (udp, tcp),
            Err(error) => assert_eq!(port, 0, "{error}"),
        }
    }
}

fn serve_udp(socket: &UdpSocket, mut replies: impl FnMut(Asked) -> Vec<Reply>) {
    let mut datagram = [0; 512];
    while let Ok((count, from)) = socket.recv_from(&mut datagram) {
        let message = Message::from_vec(&datagram[..count]).expect("a question");
        for Reply { to, bytes, by_another } in replies(Asked { message, from, tcp: false }) {
            let another = UdpSocket::bind("127.0.0.1:0").expect("a port");
            // Who has asked may have gone.
            let _ =
                if by_another { another.send_to(&bytes, to) } else { socket.send_to(&bytes, to) };
        }
    }
}

fn serve_tcp(listener: &TcpListener, mut replies: impl FnMut(Asked) -> Vec<Reply>) {
    while let Ok((mut stream, from)) = listener.accept() {
        let mut length = [0; 2];
        stream.read_exact(&mut length).expect("a length");
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut message).expect("a question");
        let message = Message::from_vec(&message).expect("a question");
        for reply in replies(Asked { message, from, tcp: true }) {
            // In two pieces, of which the first ends in the middle of the length.
            let whole = [&(reply.bytes.len() as u16).to_be_bytes(), &reply.bytes[..]].concat();
            let _ = stream.set_nodelay(true).and_then(|()| stream.write_all(&whole[..1]));
            let _ = stream.write_all(&whole[1..]);
        }
    }
}

impl Asked {
    /// The name that is asked for.
    pub fn name(&self) -> String {
        self.message.queries[0].name().to_ascii().trim_end_matches('.').to_owned()
    }

    /// What of it: `A`.
    pub fn kind(&self) -> String {
        self.message.queries[0].query_type().to_string()
    }

    /// Both: `A www.example`.
    pub fn text(&self) -> String {
        format!("{} {}", self.kind(), self.name())
    }

    /// An answer without anything.
    pub fn empty(&self) -> Message {
        let mut message = Message::response(self.message.metadata.id, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_queries(self.message.queries.clone());
        message
    }

    /// Sends a message to who has asked.
    pub fn says(&self, message: &Message) -> Reply {
        self.bytes(message.to_vec().expect("a message"))
    }

    /// Sends bytes.
    pub fn bytes(&self, bytes: Vec<u8>) -> Reply {
        Reply { to: self.from, bytes, by_another: false }
    }

    /// An answer with these records.
    pub fn with(&self, records: &[&str]) -> Reply {
        let mut message = self.empty();
        message.add_answers(records.iter().map(|text| record(text)));
        self.says(&message)
    }

    /// An answer that there is none.
    pub fn fails(&self, code: ResponseCode) -> Reply {
        let mut message = self.empty();
        message.metadata.response_code = code;
        self.says(&message)
    }

    /// An answer that does not fit.
    pub fn truncated(&self) -> Reply {
        let mut message = self.empty();
        message.metadata.truncation = true;
        self.says(&message)
    }

    /// The answer of a zone.
    pub fn of_zone(&self, records: &[&str]) -> Reply {
        let (name, kind) = (self.name(), self.kind());
        let is_its = |text: &&&str| text.split(' ').next() == Some(&*name);
        if !records.iter().any(|text| is_its(&text)) {
            return self.fails(ResponseCode::NXDomain);
        }
        let fits = |text: &&&str| [Some(&*kind), Some("CNAME")].contains(&text.split(' ').nth(2));
        let its: Vec<&str> = records.iter().filter(is_its).filter(fits).copied().collect();
        self.with(&its)
    }
}

impl Reply {
    /// By another socket.
    pub fn by_another(self) -> Reply {
        Reply { by_another: true, ..self }
    }
}

/// `NAME TTL TYPE DATA`.
pub fn record(text: &str) -> Record {
    let words: Vec<&str> = text.split(' ').collect();
    let name = |text: &str| Name::from_ascii(text).expect("a name");
    let number = |at: usize| words[at].parse().expect("a number");
    let data = match words[2] {
        "A" => RData::A(A(words[3].parse().expect("an address"))),
        "AAAA" => RData::AAAA(AAAA(words[3].parse().expect("an address"))),
        "CNAME" => RData::CNAME(CNAME(name(words[3]))),
        "SRV" => RData::SRV(SRV::new(number(3), number(4), number(5), name(words[6]))),
        kind => panic!("{kind}"),
    };
    Record::from_rdata(name(words[0]), words[1].parse().expect("a time"), data)
}
