//! rserve with a module for each door of the API: short ones, to be copied. `docs/own-module.md` tells when to take which.
#![forbid(unsafe_code)]

mod body;
mod body_filter;
mod context;
mod counters;
mod echo;
mod header_filter;
mod socket;
mod stream;
mod subrequest;
mod task;
mod timer;
mod trailers;
mod variable;

rserve_sdk::main!(
    core: [echo::Echo],
    http: [
        access_log::Log,
        gzip::Gzip,
        headers::Headers,
        context::TraceId,
        timer::Delay,
        counters::Visits,
        socket::Ask,
        body::Lines,
        stream::Ticks,
        subrequest::Join,
        header_filter::Timing,
        body_filter::Shout,
        trailers::TellLines,
        variable::PathVariables,
        task::Beat,
        static_files::Static,
    ]
);
