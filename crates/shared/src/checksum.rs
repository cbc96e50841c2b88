//! The checksum that S3 keeps of a whole object: CRC-64/NVME.
//!
//! S3 computes it over the full object, also of a multipart upload, and compares it with what the sender says
//! (AWS: "Checking object integrity in Amazon S3"). It costs next to nothing; a SHA-256 would cost more than
//! the whole job.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, Digest};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A CRC-64/NVME as S3 writes it: the eight bytes, big endian, in base64.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Checksum(String);

impl Checksum {
    /// Takes a checksum as S3 sent it.
    #[must_use]
    pub fn from_s3(base64: &str) -> Self {
        Self(base64.to_owned())
    }

    /// The base64 text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The checksum of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut running = Running::default();
        running.update(bytes);
        running.finish()
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A checksum over bytes that arrive one piece after another.
#[derive(Debug, Clone)]
pub struct Running(Digest);

impl Default for Running {
    fn default() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Nvme))
    }
}

impl Running {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of everything taken so far.
    #[must_use]
    pub fn finish(&self) -> Checksum {
        Checksum(STANDARD.encode(self.0.finalize().to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        // CRC-64/NVME of "123456789" is ae8b14860a799888 (reveng.sourceforge.io, catalogue of parametrised CRCs).
        let expected = STANDARD.encode(0xae8b_1486_0a79_9888_u64.to_be_bytes());
        assert_eq!(Checksum::of(b"123456789").as_str(), expected);
    }

    #[test]
    fn cuts_do_not_matter() {
        let mut running = Running::default();
        running.update(b"1234");
        running.update(b"56789");
        assert_eq!(running.finish(), Checksum::of(b"123456789"));
    }
}
