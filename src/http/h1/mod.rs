//! HTTP/1: a connection's input, heads and bodies, keep-alive, pipelining, lingering, output. It alone writes what frames
//! an answer; what the answer is, the transaction ([`Request`](crate::Request) and the phases) has decided.

mod answer;
mod closing;
mod connection;
mod decoder;
mod free;
mod head;
mod incoming;
mod input;
mod output;
mod produce;
mod render;
mod service;
mod task;
