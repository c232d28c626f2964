//! One question to all servers: when one is silent, or does not know, the next one is asked.

use std::io;
use std::rc::Rc;

use rt::Sleep;

use crate::exchange::{Said, send};
use crate::failure::Failure;
use crate::message::Query;
use crate::servers::Servers;
use crate::waits::Several;

/// The same question, sent again, is under way so often: a slow server may answer the one before.
const MOST_ATTEMPTS: usize = 2;

/// Who asks.
#[derive(Debug)]
pub(crate) struct Client {
    pub servers: Servers,
    pub resend_ms: u64,
}

/// A question, as long as it is not answered.
struct Asked {
    attempts: Several<io::Result<Said>>,
    /// What a server has said that does not know.
    failure: Option<Failure>,
}

impl Client {
    /// Asks the servers, beginning with `first`, until one of them knows; or until all have been asked, and one has said that it
    /// does not. As long as they say nothing there is no end: that is for whoever asks to decide.
    pub async fn ask(&self, query: &Rc<Query>, first: usize) -> Said {
        let mut asked = Asked { attempts: Several::new(MOST_ATTEMPTS), failure: None };
        loop {
            let mut pause = None;
            for server in self.servers.in_turn(first, rt::now()) {
                match send(self.servers.address(server), query.clone()) {
                    Ok(sent) => asked.attempts.begin(server, sent.answer(self.resend_ms)),
                    Err(error) => {
                        self.was_silent(server, &error.to_string());
                        continue;
                    }
                }
                let pause = pause.insert(rt::sleep(self.resend_ms));
                if let Some(said) = self.wait(&mut asked, Some(server), pause).await {
                    return said;
                }
            }
            // There is nothing to wait for if none could be asked.
            let Some(mut pause) = pause else { return Err(Failure::Server) };
            if let Some(failure) = asked.failure {
                return Err(failure);
            }
            if let Some(said) = self.wait(&mut asked, None, &mut pause).await {
                return said;
            }
        }
    }

    /// Waits until a server knows, or says that there is nothing. `None`: another one is to be asked, since it is time, or the
    /// newest that was asked does not know. If there is none to be asked before it is time, what any of them says is said.
    async fn wait(
        &self,
        asked: &mut Asked,
        newest: Option<usize>,
        pause: &mut Sleep,
    ) -> Option<Said> {
        while let Some((server, answer)) = asked.attempts.next(pause).await {
            match answer {
                Ok(said) => {
                    self.servers.answered(server);
                    match said {
                        Err(why) if !why.is_final() && newest.is_some() => {
                            asked.failure = Some(why);
                        }
                        said => return Some(said),
                    }
                }
                Err(error) => self.was_silent(server, &error.to_string()),
            }
            if newest == Some(server) {
                return None;
            }
        }
        newest.inspect(|&newest| self.was_silent(newest, "nothing has come in time"));
        None
    }

    fn was_silent(&self, server: usize, why: &str) {
        self.servers.was_silent(server, rt::now(), why);
    }
}
