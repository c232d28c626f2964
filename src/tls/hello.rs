//! The first message of a client, as far as the server is chosen by it.

use rustls::server::Acceptor;

/// What has come of it.
pub enum Hello {
    Incomplete,
    NotTls,
    /// The name that the client asks for.
    Complete(Option<String>),
}

pub fn parse(bytes: &[u8], most: usize) -> Hello {
    match bytes.first() {
        None => return Hello::Incomplete,
        Some(0x16) => {}
        Some(_) => return Hello::NotTls,
    }
    let mut acceptor = Acceptor::default();
    let mut input = bytes;
    while !input.is_empty() {
        match acceptor.read_tls(&mut input) {
            Ok(0) | Err(_) => return Hello::Complete(None),
            Ok(_) => {}
        }
    }
    match acceptor.accept() {
        Ok(Some(accepted)) => {
            Hello::Complete(accepted.client_hello().server_name().map(str::to_owned))
        }
        Ok(None) if bytes.len() >= most => Hello::Complete(None),
        Ok(None) => Hello::Incomplete,
        // rustls finds the same fault, and says so in an alert.
        Err(_) => Hello::Complete(None),
    }
}
