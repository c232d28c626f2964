//! `auth_delay`: a client that is not let in because it has not said who it is, or wrongly (401), is told so later.

use sys::log::Level;

use super::flow::{BoxFuture, Flow, Phase};
use super::{Handler, Request};

/// What became of the access phase: a refusal that has to wait, waits.
pub fn refusal(request: &mut Request, phase: Phase, flow: Flow) -> Flow {
    let waits = phase == Phase::Access && request.location.settings.auth_delay > 0;
    match flow {
        Flow::Status(401) if waits => {
            request.error(Level::Info, format_args!("delaying unauthorized request"));
            request.delayed = true;
            Flow::Wait
        }
        flow => flow,
    }
}

/// Waits, and refuses.
pub struct Delay;

impl Handler for Delay {
    fn handle(&self, _: &mut Request) -> Flow {
        Flow::Wait
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            rt::sleep(request.location.settings.auth_delay).await;
            Flow::Status(401)
        })
    }
}
