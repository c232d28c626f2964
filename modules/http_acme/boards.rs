//! What the helper and all workers share.

use std::sync::Arc;

use shm::Board;

/// A certificate with its chain, its key and its name is no longer than that: 16k with the board's own.
const CERTIFICATE: usize = (16 << 10) - 64;
/// A proof and its name: a page, or a certificate for one name with its key.
const PROOF: usize = (2 << 10) - 64;
/// So many proofs are shown at the same time: each issuer looks at one after the other.
const PROOFS: usize = 31;

/// Anybody may ask for a proof, by a name that it chooses: what is secret lies elsewhere.
#[derive(Clone)]
pub struct Boards {
    /// Certificates with their keys, and keys of accounts that are not in files.
    pub certificates: Arc<Board>,
    /// Proofs.
    pub proofs: Arc<Board>,
}

impl Default for Boards {
    fn default() -> Boards {
        let [certificates, proofs] = [CERTIFICATE, PROOF].map(|len| Arc::new(Board::new(len)));
        Boards { certificates, proofs }
    }
}

impl Boards {
    /// So many texts have room among the certificates.
    pub fn room(&self, bytes: usize) -> usize {
        let [none, one] = [0, 1].map(|count| self.certificates.size(count));
        bytes.saturating_sub(none) / (one - none)
    }

    /// Bytes of the memory of proofs.
    pub fn proofs_size(&self) -> usize {
        self.proofs.size(PROOFS)
    }
}
