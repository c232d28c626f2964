//! Where servers stand on the circle of hashes: ketama's points, as Cache::Memcached::Fast has them.

use crate::server::Server;

/// Points of a peer for each unit of its weight.
const POINTS: u32 = 160;

/// Where on the circle of hashes servers stand.
#[derive(Debug)]
pub struct Points(Vec<(u32, String)>);

impl Points {
    /// Of these servers, as they are written.
    pub fn of(servers: &[Server]) -> Points {
        let mut points = Vec::new();
        for server in servers.iter().filter(|server| !server.options.backup) {
            let (host, port) = host_and_port(&server.name);
            let mut base = crc32fast::Hasher::new();
            base.update(&[host.as_bytes(), b"\0", port.as_bytes()].concat());
            let mut before = 0_u32;
            for _ in 0..POINTS * server.options.weight {
                let mut hasher = base.clone();
                hasher.update(&before.to_le_bytes());
                before = hasher.finalize();
                points.push((before, server.name.clone()));
            }
        }
        points.sort_by_key(|(point, _)| *point);
        points.dedup_by_key(|(point, _)| *point);
        Points(points)
    }

    /// The first point at or behind a hash, around the circle.
    pub fn behind(&self, hash: u32) -> usize {
        self.0.partition_point(|(point, _)| *point < hash) % self.0.len().max(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The server of a point, around the circle; there is one.
    pub fn server(&self, point: usize) -> &str {
        &self.0[point % self.0.len()].1
    }
}

/// As it is written, brackets included.
fn host_and_port(name: &str) -> (&str, &str) {
    if let Some(path) = name.strip_prefix("unix:") {
        return (path, "");
    }
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    name.rsplit_once(':').filter(|(_, port)| is_port(port)).unwrap_or((name, ""))
}
