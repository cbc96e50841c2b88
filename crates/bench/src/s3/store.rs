//! What the bucket holds: small objects whole, of large ones their size and checksum.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, Digest, checksum_combine};

use crate::http::{Request, Response};

/// The largest body that is kept, in bytes.
pub(super) const SMALL: u64 = 1024 * 1024;
/// The smallest part but for the last (Amazon S3 user guide, "Amazon S3 multipart upload limits").
const LEAST_PART: u64 = 5 * 1024 * 1024;

/// A status and the code that stands in the body of the error.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) u16, pub(super) &'static str);

impl Refusal {
    pub(super) fn response(&self) -> Response {
        let Self(status, code) = self;
        let text = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
        Response::new(*status, text).with("content-type", "application/xml")
    }
}

/// What is left of an object's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// All of them.
    Bytes(Vec<u8>),
    /// A file that holds them.
    File(PathBuf),
    /// Their number and checksum only.
    Nothing,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its tag, without quotation marks.
    pub etag: String,
    /// Its bytes' number.
    pub size: u64,
    /// Its bytes.
    pub kept: Kept,
    crc: u64,
}

impl Object {
    /// Its CRC-64/NVME, as S3 writes it.
    #[must_use]
    pub fn checksum(&self) -> String {
        written(self.crc)
    }
}

fn written(crc: u64) -> String {
    STANDARD.encode(crc.to_be_bytes())
}

/// S3's tags are no more than names to a client; these are the checksum, in the length of S3's.
fn etag(crc: u64) -> String {
    format!("{crc:032x}")
}

/// A body that came.
pub(super) struct Received {
    pub(super) size: u64,
    crc: u64,
    kept: Option<Vec<u8>>,
}

impl Received {
    /// Reads a body to its end, and keeps it when it has at most so many bytes.
    pub(super) fn read(body: &mut impl Read, keep: u64) -> io::Result<Self> {
        let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
        let mut kept = Some(Vec::new());
        let (mut size, mut buffer) = (0, vec![0; 64 * 1024]);
        loop {
            let read = body.read(&mut buffer)?;
            let bytes = buffer.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(Self { size, crc: digest.finalize(), kept });
            }
            digest.update(bytes);
            size += bytes.len() as u64;
            kept = kept.filter(|_| size <= keep);
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(bytes);
            }
        }
    }

    /// Whether the bytes are those that the sender has told of.
    pub(super) fn compare(&self, told: Option<&str>) -> Result<(), Refusal> {
        match told {
            Some(told) if told != written(self.crc) => Err(Refusal(400, "BadDigest")),
            _ => Ok(()),
        }
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(self.kept.as_deref().unwrap_or_default()).into_owned()
    }

    pub(super) fn into_object(self) -> Object {
        let kept = self.kept.map_or(Kept::Nothing, Kept::Bytes);
        Object { etag: etag(self.crc), size: self.size, kept, crc: self.crc }
    }
}

/// An upload in parts.
#[derive(Debug, Default)]
pub(super) struct Upload {
    key: String,
    parts: BTreeMap<u32, Part>,
}

#[derive(Debug)]
struct Part {
    size: u64,
    crc: u64,
}

/// The bucket.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) objects: BTreeMap<String, Object>,
    pub(super) uploads: BTreeMap<String, Upload>,
    begun: u32,
}

impl Store {
    /// Stores an object, and says its tag.
    pub(super) fn put(&mut self, key: &str, object: Object) -> String {
        let etag = object.etag.clone();
        self.objects.insert(key.to_owned(), object);
        etag
    }

    /// Begins an upload, and says its id.
    pub(super) fn create(&mut self, key: &str) -> String {
        self.begun += 1;
        let id = format!("upload-{}", self.begun);
        self.uploads.insert(id.clone(), Upload { key: key.to_owned(), parts: BTreeMap::new() });
        id
    }

    /// Takes a part, and says its tag.
    pub(super) fn part(&mut self, upload: &str, number: u32, received: Received) -> Result<String, Refusal> {
        let upload = self.uploads.get_mut(upload).ok_or(Refusal(404, "NoSuchUpload"))?;
        upload.parts.insert(number, Part { size: received.size, crc: received.crc });
        Ok(etag(received.crc))
    }

    /// Puts the parts together that the sender names.
    pub(super) fn complete(&mut self, id: &str, request: &Request, named: &str) -> Result<Object, Refusal> {
        let upload = self.uploads.get(id).ok_or(Refusal(404, "NoSuchUpload"))?;
        let numbers = part_numbers(named).ok_or(Refusal(400, "MalformedXML"))?;
        if !numbers.is_sorted_by(|one, next| one < next) {
            return Err(Refusal(400, "InvalidPartOrder"));
        }
        let (mut size, mut crc) = (0, None);
        for (index, number) in numbers.iter().enumerate() {
            let part = upload.parts.get(number).ok_or(Refusal(400, "InvalidPart"))?;
            if part.size < LEAST_PART && index + 1 < numbers.len() {
                return Err(Refusal(400, "EntityTooSmall"));
            }
            size += part.size;
            crc = Some(crc.map_or(part.crc, |before| {
                checksum_combine(CrcAlgorithm::Crc64Nvme, before, part.crc, part.size)
            }));
        }
        let crc = crc.ok_or(Refusal(400, "MalformedXML"))?;
        if request.header("x-amz-checksum-crc64nvme").is_some_and(|told| told != written(crc)) {
            return Err(Refusal(400, "BadDigest"));
        }
        if request.header("x-amz-mp-object-size").is_some_and(|told| told != size.to_string()) {
            return Err(Refusal(400, "InvalidRequest"));
        }
        let etag = format!("{}-{}", etag(crc), numbers.len());
        let object = Object { etag, size, kept: Kept::Nothing, crc };
        let key = upload.key.clone();
        self.uploads.remove(id);
        self.put(&key, object.clone());
        Ok(object)
    }
}

/// The numbers in a `CompleteMultipartUpload` document, in its order.
fn part_numbers(document: &str) -> Option<Vec<u32>> {
    let pieces = document.split("<PartNumber>").skip(1);
    pieces.map(|piece| piece.split('<').next().and_then(|number| number.parse().ok())).collect()
}
