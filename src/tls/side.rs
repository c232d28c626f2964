//! The halves of rustls, as far as a connection's records need them.

use rustls::CommonState;
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ReadEarlyData, UnbufferedStatus};

/// The server's or the client's half of rustls.
pub(crate) trait Side: 'static {
    type Data;
    /// Whether the end of the stream must be said inside it: what a server is told to the end of the connection, others
    /// could cut off.
    const NEEDS_END: bool;

    fn process<'c, 'i>(&'c mut self, input: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;

    fn common(&self) -> &CommonState;

    /// Takes what came before the handshake was complete; gives how much more of the input that uses up.
    fn take_early(early: ReadEarlyData<'_, '_, Self::Data>, sink: &mut dyn FnMut(&[u8])) -> usize;
}

impl Side for UnbufferedServerConnection {
    type Data = ServerConnectionData;
    const NEEDS_END: bool = false;

    fn process<'c, 'i>(
        &'c mut self,
        input: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, ServerConnectionData> {
        self.process_tls_records(input)
    }

    fn common(&self) -> &CommonState {
        self
    }

    fn take_early(
        mut early: ReadEarlyData<'_, '_, ServerConnectionData>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> usize {
        let mut used = 0;
        while let Some(Ok(record)) = early.next_record() {
            used += record.discard;
            sink(record.payload);
        }
        used
    }
}

impl Side for UnbufferedClientConnection {
    type Data = ClientConnectionData;
    const NEEDS_END: bool = true;

    fn process<'c, 'i>(
        &'c mut self,
        input: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, ClientConnectionData> {
        self.process_tls_records(input)
    }

    fn common(&self) -> &CommonState {
        self
    }

    /// A client sends early data, and gets none.
    fn take_early(
        _: ReadEarlyData<'_, '_, ClientConnectionData>,
        _: &mut dyn FnMut(&[u8]),
    ) -> usize {
        0
    }
}
