//! What a player gets.

use super::{Client, Message};
use crate::frames::label;

impl Client {
    /// The next message of a stream's content.
    #[track_caller]
    pub fn frame(&mut self) -> Message {
        loop {
            let message = self.next().expect("the connection ended");
            if message.is_content() {
                return message;
            }
        }
    }

    /// The next messages of a stream's content, each in a word.
    #[track_caller]
    pub fn frames(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| label(&self.frame())).collect()
    }

    /// The next messages of a stream's content.
    #[track_caller]
    pub fn take(&mut self, count: usize) -> Vec<Message> {
        (0..count).map(|_| self.frame()).collect()
    }

    /// All up to, and with, the one that is this in a word but for its time.
    #[track_caller]
    pub fn frames_to(&mut self, last: &str) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            all.push(label(&self.frame()));
            if all.last().and_then(|label| label.split('@').next()) == Some(last) {
                return all;
            }
        }
    }
}
