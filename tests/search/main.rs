//! A search for differences: what nobody thought of is made up by chance, given to nginx (with nchan
//! and nginx-rtmp) and to rserve, and what they do differently is made as small as it goes.
//!
//! Without variables a fixed number of rounds is run, the same each time. With
//! `RSERVE_SEARCH_SECONDS` each part goes on for so long; `RSERVE_SEARCH_SEED` is the seed of the
//! first round, each further round has the next. A difference is printed with its round's seed.
//!
//! What is different on purpose stands in [`support::compare::DELIBERATE`], with the reason.

#[allow(dead_code)]
#[path = "../rtmp/client/mod.rs"]
mod client;
mod configurations;
mod content;
mod event_run;
#[allow(dead_code)]
#[path = "../events/client.rs"]
mod event_source;
mod events;
#[allow(dead_code)]
#[path = "../rtmp/frames.rs"]
mod frames;
mod http;
mod pair;
mod places;
mod reader;
mod requests;
mod rewriting;
mod rounds;
mod rtmp;
mod rtmp_session;
mod shrink;
mod site;
mod traits;
mod tree;

/// Generated sites, and requests of all forms to them.
#[test]
fn sites_answer_as_nginx() {
    http::search(120);
}

/// Generated configurations: what one takes, the other takes.
#[test]
fn configurations_are_taken_as_by_nginx() {
    configurations::search(900);
}

/// Publishers and readers of event streams, beside nchan.
#[test]
fn events_arrive_as_from_nchan() {
    events::search(1000);
}

/// Publishers and players of live streams, beside nginx-rtmp.
#[test]
fn live_streams_go_as_at_nginx_rtmp() {
    rtmp::search(80);
}
