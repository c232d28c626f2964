//! The server's word that it serves (`sd_notify(3)`): from then on a dead worker is replaced, and does not end the start.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;

use crate::Dir;

/// The socket's name in the server's directory.
const NAME: &str = "logs/ready";

/// Hears a server that starts.
pub struct Ready {
    socket: UnixDatagram,
    told: bool,
}

impl Ready {
    /// Listens for who starts in this directory, whoever that runs as.
    pub fn listen(dir: &Dir) -> Ready {
        let path = dir.path(NAME);
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_nonblocking(true).expect("O_NONBLOCK");
        let all = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(&path, all).expect("its mode");
        Ready { socket, told: false }
    }

    /// What `$NOTIFY_SOCKET` has to be for the server.
    pub fn address(dir: &Dir) -> String {
        dir.path(NAME).display().to_string()
    }

    /// Whether it has said so.
    pub fn is_told(&mut self) -> bool {
        let mut block = [0; 256];
        while let Ok(count) = self.socket.recv(&mut block) {
            self.told |= block[..count].starts_with(b"READY=1");
        }
        self.told
    }
}
