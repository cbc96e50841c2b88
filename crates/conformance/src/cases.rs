//! The cases, by port. Each is written once, against the port, and asks nothing that the port does not promise.

pub mod analyses;
pub mod events;
pub mod inventory;
pub mod mailer;
pub mod mails;
pub mod model;
pub mod objects;
pub mod queues;
pub mod uploads;

use jiff::{SignedDuration, Timestamp};
use shared::checksum::Checksum;
use shared::identity::{ContractDigest, ETag, RunId};
use shared::ports::{Body, Fault};

/// A moment of the cases: so many seconds after 2026-06-01T08:00:00Z.
#[must_use]
pub fn second(seconds: i64) -> Timestamp {
    let beginning = Timestamp::from_second(1_780_300_800).unwrap_or_default();
    beginning.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// A run of a case.
#[must_use]
pub fn run_of(case: &str) -> RunId {
    RunId::of("conformance", case, &ETag::parse("e"), &ContractDigest::of(b""), None)
}

/// Bytes in a word: they themselves where they are few, else how many and their checksum.
#[must_use]
pub fn word(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.len() <= 40 => text.to_owned(),
        _ => format!("{} bytes, {}", bytes.len(), Checksum::of(bytes)),
    }
}

/// So many bytes, of which no two neighbours are the same.
#[must_use]
pub fn long(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|index| u8::try_from(index % 251).unwrap_or_default()).collect()
}

/// Reads a body to its end, so much at a time.
///
/// # Errors
/// Whatever the port refuses.
pub async fn whole(mut body: impl Body, at_a_time: usize) -> Result<Vec<u8>, Fault> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; at_a_time]);
    loop {
        match body.read(&mut buffer).await? {
            0 => return Ok(all),
            count => all.extend_from_slice(buffer.get(..count).unwrap_or_default()),
        }
    }
}
