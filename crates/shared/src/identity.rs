//! What makes two deliveries the same run.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The entity tag of an object, without the quotes that some interfaces put around it.
///
/// S3 notifications carry the bare tag, `GetObject` a quoted one; both become the same value here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ETag(String);

impl ETag {
    /// Reads a tag with or without its quotes.
    #[must_use]
    pub fn parse(raw: &str) -> Self {
        let bare = raw.strip_prefix("W/").unwrap_or(raw);
        Self(bare.trim_matches('"').to_owned())
    }

    /// The tag without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ETag {
    fn from(raw: String) -> Self {
        Self::parse(&raw)
    }
}

impl From<ETag> for String {
    fn from(tag: ETag) -> Self {
        tag.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digest of a contract: 64 hexadecimal digits of the SHA-256 of its bytes, or of its bytes' digest and those
/// of its reference files ([`with_references`](Self::with_references)).
///
/// An inferred contract has a digest too, so that profiling a file is a run like any other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContractDigest(String);

impl ContractDigest {
    /// The digest of a contract as it was read.
    #[must_use]
    pub fn of(contract_bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(contract_bytes)))
    }

    /// The digest of the contract together with its reference files: each one's name and the digest of its bytes,
    /// or a word where it could not be read. Without any, the contract's own.
    #[must_use]
    pub fn with_references<'r>(&self, references: impl IntoIterator<Item = (&'r str, &'r str)>) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0.as_bytes());
        let mut any = false;
        for (name, digest) in references {
            any = true;
            for part in [name, digest] {
                hash.update([0]);
                hash.update(part.as_bytes());
            }
        }
        if any { Self(hex(&hash.finalize())) } else { self.clone() }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The identity of one run: one file's bytes under one key, judged by one contract.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// A text that is no run id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a run id is 32 lower-case hexadecimal digits, not {found:?}")]
pub struct NotARunId {
    /// What was given.
    pub found: String,
}

impl RunId {
    /// How many hexadecimal digits a run id has.
    pub const LENGTH: usize = 32;

    /// The identity of a file under a contract. The same four values always give the same run.
    ///
    /// `nonce` is `None` but for a forced replay, which is a run of its own.
    #[must_use]
    pub fn of(bucket: &str, key: &str, etag: &ETag, contract: &ContractDigest, nonce: Option<&str>) -> Self {
        let mut hash = Sha256::new();
        for part in [bucket, key, etag.as_str()] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.update(contract.as_str().as_bytes());
        if let Some(nonce) = nonce {
            hash.update([0]);
            hash.update(nonce.as_bytes());
        }
        let mut digits = hex(&hash.finalize());
        digits.truncate(Self::LENGTH);
        Self(digits)
    }

    /// All 32 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, as they stand in the names of outputs.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

/// The identity of one upload: one version of one object.
///
/// Unlike a run's it does not depend on the contract, so it tells whether an upload was ever processed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceId(String);

impl SourceId {
    /// The identity of an upload, 32 hexadecimal digits. Without versions, uploads of the same bytes are one.
    #[must_use]
    pub fn of(source: &crate::ports::SourceObject) -> Self {
        let version = source.version_id.as_deref().unwrap_or_default();
        let mut hash = Sha256::new();
        for part in [&source.bucket, &source.key, source.etag.as_str()] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.update(version.as_bytes());
        let mut digits = hex(&hash.finalize());
        digits.truncate(RunId::LENGTH);
        Self(digits)
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RunId {
    type Error = NotARunId;

    fn try_from(text: String) -> Result<Self, NotARunId> {
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == Self::LENGTH && text.bytes().all(is_digit) {
            Ok(Self(text))
        } else {
            Err(NotARunId { found: text })
        }
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The content hash that stands in for an `ETag` where there is no S3: XXH3, 128 bits.
///
/// It runs at memory speed; an MD5, as S3 makes for a single-part upload, would cost as much as the whole job.
#[derive(Clone)]
pub struct ContentHash(Box<twox_hash::XxHash3_128>);

impl Default for ContentHash {
    fn default() -> Self {
        Self(Box::new(twox_hash::XxHash3_128::with_seed(0)))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentHash").finish_non_exhaustive()
    }
}

impl ContentHash {
    /// Takes the next bytes of the content.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The tag of everything taken so far: 32 hexadecimal digits.
    #[must_use]
    pub fn etag(&self) -> ETag {
        ETag(format!("{:032x}", self.0.finish_128()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(bucket: &str, key: &str, etag: &str, contract: &[u8], nonce: Option<&str>) -> RunId {
        RunId::of(bucket, key, &ETag::parse(etag), &ContractDigest::of(contract), nonce)
    }

    #[test]
    fn a_quoted_and_a_bare_etag_are_the_same() {
        assert_eq!(ETag::parse("\"d41d8\""), ETag::parse("d41d8"));
        assert_eq!(ETag::parse("W/\"d41d8\"").as_str(), "d41d8");
    }

    #[test]
    fn a_run_id_follows_the_published_formula() {
        // printf 'b\0input/x.csv\0e\0<sha256 of "{}">' | sha256sum
        let digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(ContractDigest::of(b"{}").as_str(), digest);
        let expected = hex(&Sha256::digest(format!("b\0input/x.csv\0e\0{digest}")));
        assert_eq!(run("b", "input/x.csv", "\"e\"", b"{}", None).as_str(), &expected[..32]);
    }

    #[test]
    fn each_part_of_the_identity_makes_another_run() {
        let base = run("b", "k", "e", b"{}", None);
        for other in [
            run("c", "k", "e", b"{}", None),
            run("b", "l", "e", b"{}", None),
            run("b", "k", "f", b"{}", None),
            run("b", "k", "e", b"{ }", None),
            run("b", "k", "e", b"{}", Some("again")),
            // The zero bytes between the parts keep them apart.
            run("bk", "", "e", b"{}", None),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn reference_files_are_part_of_the_digest_by_the_published_formula() {
        let own = ContractDigest::of(b"{}");
        assert_eq!(own.with_references([]), own);
        let expected = hex(&Sha256::digest(format!("{own}\0a.csv\0d1\0b.csv\0d2", own = own.as_str())));
        assert_eq!(own.with_references([("a.csv", "d1"), ("b.csv", "d2")]).as_str(), expected);
    }

    #[test]
    fn a_run_id_refuses_what_is_not_one() {
        assert!(RunId::try_from("ABCDEF0123456789ABCDEF0123456789".to_owned()).is_err());
        assert!(RunId::try_from("abc".to_owned()).is_err());
        assert!(RunId::try_from("abcdef0123456789abcdef0123456789".to_owned()).is_ok());
    }

    #[test]
    fn the_content_hash_does_not_depend_on_the_cuts() {
        let mut whole = ContentHash::default();
        whole.update(b"order_id,price\n1,2\n");
        let mut cut = ContentHash::default();
        cut.update(b"order_id,");
        cut.update(b"price\n1,2\n");
        assert_eq!(whole.etag(), cut.etag());
        assert_eq!(whole.etag().as_str().len(), 32);
    }
}
