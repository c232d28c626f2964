//! Words with variables in handshakes: `ssl_certificate certs/$ssl_server_name.pem`. There is a connection, and the name that its
//! client asks for; what is found out later has no value yet.

use tls::{Asked, Evaluate};

use crate::vars::connection::Connected;
use crate::vars::names::Names;
use crate::vars::template::Template;

/// What can be made while a handshake goes on.
pub trait Early: Connected + Sized {
    /// Of a handshake that has begun. `None`: to which address it came is not known.
    fn early(asked: &Asked<'_>) -> Option<Self>;
}

struct Word<R: 'static>(Template<R>);

impl<R: Early> Evaluate for Word<R> {
    fn evaluate(&self, asked: &Asked<'_>) -> Result<Vec<u8>, String> {
        let mut of = R::early(asked).ok_or("getsockname() failed")?;
        let value = self.0.evaluate(&mut of);
        match self.0.climbs(&value) {
            true => {
                Err(format!("a value leads out of its directory: \"{}\"", value.escape_ascii()))
            }
            false => Ok(value.to_vec()),
        }
    }
}

/// Reads such words.
pub fn compile<R: Early>(names: &Names<R>) -> impl Fn(&str) -> Result<Box<dyn Evaluate>, String> {
    |text| Ok(Box::new(Word(Template::compile(text, names)?)))
}
