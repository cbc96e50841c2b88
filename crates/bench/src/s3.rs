//! An S3 of one bucket on loopback, and the `EventBridge` that the processor tells of its work.
//!
//! It does what S3 documents where the processor depends on it: conditions, whole-object checksums that are
//! compared with the bytes, the smallest size of a part. Large bodies are counted and checked, and forgotten, so
//! that a file of any size can be written to it. Signatures are not checked, only recorded.

mod store;
mod tls;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::http::{Content, Incoming, Request, Response, Service, serve};
use crate::s3::store::{Received, Refusal, Store};

pub use crate::s3::store::{Kept, Object};

/// The name of the bucket.
pub const BUCKET: &str = "gristmill-example";
/// When every object was stored.
const LAST_MODIFIED: &str = "Mon, 01 Jun 2026 08:00:00 GMT";

/// A request that came.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// The operation, as the S3 API reference calls it.
    pub operation: &'static str,
    /// The object's key.
    pub key: String,
    /// The part's number, of an `UploadPart`.
    pub part: Option<u32>,
    /// The length of the body, without its wrapping.
    pub bytes: u64,
    /// The status of the answer.
    pub status: u16,
    /// The headers, and the trailers.
    pub headers: BTreeMap<String, String>,
}

impl Recorded {
    /// A header's or trailer's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// An S3 on loopback.
#[derive(Debug)]
pub struct S3 {
    address: SocketAddr,
    certificate: Option<PathBuf>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    store: Store,
    recorded: Vec<Recorded>,
}

struct Api(Arc<Mutex<State>>);

impl S3 {
    /// Begins to serve plain HTTP.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start() -> io::Result<Self> {
        let state = Arc::default();
        let address = serve(Arc::new(Api(Arc::clone(&state))), None)?;
        Ok(Self { address, certificate: None, state })
    }

    /// Begins to serve HTTPS, and writes the certificate that a client must trust into the folder.
    ///
    /// # Errors
    /// When no port can be had or the certificate cannot be made.
    pub fn start_with_tls(folder: &Path) -> io::Result<Self> {
        let (config, pem) = tls::for_localhost()?;
        let certificate = folder.join("certificate.pem");
        std::fs::write(&certificate, pem)?;
        let state = Arc::default();
        let address = serve(Arc::new(Api(Arc::clone(&state))), Some(config))?;
        Ok(Self { address, certificate: Some(certificate), state })
    }

    /// The value of `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.address.port())
    }

    /// The certificate that a client must trust, where TLS is spoken.
    #[must_use]
    pub fn certificate(&self) -> Option<&Path> {
        self.certificate.as_deref()
    }

    /// Stores an object whose bytes stay in a file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn put_file(&self, key: &str, path: &Path) -> io::Result<Object> {
        let received = Received::read(&mut std::fs::File::open(path)?, 0)?;
        let mut object = received.into_object();
        object.kept = Kept::File(path.to_owned());
        self.lock().store.objects.insert(key.to_owned(), object.clone());
        Ok(object)
    }

    /// What has come so far, in the order in which it was answered.
    #[must_use]
    pub fn recorded(&self) -> Vec<Recorded> {
        self.lock().recorded.clone()
    }

    /// An object, if it is there.
    #[must_use]
    pub fn object(&self, key: &str) -> Option<Object> {
        self.lock().store.objects.get(key).cloned()
    }

    /// The keys of all objects.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.lock().store.objects.keys().cloned().collect()
    }

    /// How many uploads were begun, and neither completed nor given up.
    #[must_use]
    pub fn unfinished_uploads(&self) -> usize {
        self.lock().store.uploads.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for Api {
    fn answer(&self, request: &Request, body: &mut Incoming<'_>) -> io::Result<Response> {
        let operation = operation(request);
        // Of a part only the count and the checksum are needed; a small object may be asked for again.
        let keep = if operation == "UploadPart" { 0 } else { store::SMALL };
        let received = Received::read(body, keep)?;
        let mut request = request.clone();
        request.headers.extend(body.trailers());
        let bytes = received.size;
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answered = state.answer(operation, &request, received);
        let response = answered.unwrap_or_else(|refusal| refusal.response());
        state.recorded.push(Recorded {
            operation,
            key: key(&request).to_owned(),
            part: part(&request),
            bytes,
            status: response.status,
            headers: request.headers,
        });
        Ok(response)
    }
}

fn operation(request: &Request) -> &'static str {
    let asks = |name| request.asked(name).is_some();
    match request.method.as_str() {
        "GET" if asks("list-type") => "ListObjectsV2",
        "GET" => "GetObject",
        "HEAD" => "HeadObject",
        "PUT" if asks("partNumber") => "UploadPart",
        "PUT" => "PutObject",
        "POST" if asks("uploads") => "CreateMultipartUpload",
        "POST" if asks("uploadId") => "CompleteMultipartUpload",
        "POST" if request.header("x-amz-target") == Some("AWSEvents.PutEvents") => "PutEvents",
        "DELETE" if asks("uploadId") => "AbortMultipartUpload",
        _ => "Unknown",
    }
}

/// The key behind the bucket in the path.
fn key(request: &Request) -> &str {
    let path = request.path.trim_start_matches('/');
    path.split_once('/').map_or("", |(_bucket, key)| key)
}

fn part(request: &Request) -> Option<u32> {
    request.asked("partNumber").and_then(|number| number.parse().ok())
}

/// A tag as it stands in a header, without its quotation marks.
fn tag<'r>(request: &'r Request, header: &str) -> Option<&'r str> {
    request.header(header).map(|tag| tag.trim_matches('"'))
}

impl State {
    fn answer(
        &mut self,
        operation: &str,
        request: &Request,
        received: Received,
    ) -> Result<Response, Refusal> {
        let key = key(request);
        let upload = request.asked("uploadId").unwrap_or_default();
        match operation {
            "GetObject" | "HeadObject" => self.get(request, key),
            "ListObjectsV2" => Ok(self.list(request.asked("prefix").unwrap_or_default())),
            "PutObject" => {
                self.nothing_there(request, key)?;
                received.compare(request.header("x-amz-checksum-crc64nvme"))?;
                Ok(tagged(&self.store.put(key, received.into_object())))
            }
            "CreateMultipartUpload" => {
                let id = self.store.create(key);
                Ok(xml("InitiateMultipartUploadResult", &format!("<UploadId>{id}</UploadId>")))
            }
            "UploadPart" => {
                received.compare(request.header("x-amz-checksum-crc64nvme"))?;
                let number = part(request).ok_or(Refusal(400, "InvalidArgument"))?;
                Ok(tagged(&self.store.part(upload, number, received)?))
            }
            "CompleteMultipartUpload" => {
                self.nothing_there(request, key)?;
                let object = self.store.complete(upload, request, &received.text())?;
                let checksum = object.checksum();
                let told = format!(
                    "<ETag>\"{}\"</ETag><ChecksumCRC64NVME>{checksum}</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType>",
                    object.etag
                );
                Ok(xml("CompleteMultipartUploadResult", &told))
            }
            "AbortMultipartUpload" => {
                self.store.uploads.remove(upload).ok_or(Refusal(404, "NoSuchUpload"))?;
                Ok(Response::new(204, ""))
            }
            "PutEvents" => {
                let told = r#"{"FailedEntryCount":0,"Entries":[{"EventId":"11710aed-b79e-4468-a20b-bb3c0c3b4860"}]}"#;
                Ok(Response::new(200, told).with("content-type", "application/x-amz-json-1.1"))
            }
            _ => Err(Refusal(501, "NotImplemented")),
        }
    }

    fn nothing_there(&self, request: &Request, key: &str) -> Result<(), Refusal> {
        let condition = request.header("if-none-match") == Some("*");
        if condition && self.store.objects.contains_key(key) {
            return Err(Refusal(412, "PreconditionFailed"));
        }
        Ok(())
    }

    fn get(&self, request: &Request, key: &str) -> Result<Response, Refusal> {
        let object = self.store.objects.get(key).ok_or(Refusal(404, "NoSuchKey"))?;
        if tag(request, "if-match").is_some_and(|tag| tag != object.etag) {
            return Err(Refusal(412, "PreconditionFailed"));
        }
        if tag(request, "if-none-match") == Some(object.etag.as_str()) {
            return Err(Refusal(304, "NotModified"));
        }
        let range = request.header("range").and_then(|range| range.strip_prefix("bytes="));
        let (first, last) = range.and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
        let from: u64 = first.parse().map_err(|_| Refusal(400, "InvalidArgument"))?;
        if range.is_some() && from >= object.size {
            return Err(Refusal(416, "InvalidRange"));
        }
        let end = last.parse().map_or(object.size, |last: u64| object.size.min(last.saturating_add(1)));
        let length = end.saturating_sub(from);
        let mut response = Response::new(if range.is_some() { 206 } else { 200 }, "")
            .with("etag", format!("\"{}\"", object.etag))
            .with("last-modified", LAST_MODIFIED)
            .with("content-length", length.to_string())
            .with("accept-ranges", "bytes");
        // Also for a piece, S3 tells the checksum of the whole; the SDK must not compare it then. It is left out.
        if range.is_none() && request.header("x-amz-checksum-mode") == Some("ENABLED") {
            response = response
                .with("x-amz-checksum-crc64nvme", object.checksum())
                .with("x-amz-checksum-type", "FULL_OBJECT");
        }
        if request.method == "GET" {
            response.content = match &object.kept {
                Kept::File(path) => Content::Piece { path: path.clone(), from, length },
                Kept::Bytes(bytes) => {
                    let piece = usize::try_from(from).ok().zip(usize::try_from(end).ok());
                    let piece = piece.and_then(|(from, end)| bytes.get(from..end)).unwrap_or_default();
                    Content::Bytes(piece.to_vec())
                }
                Kept::Nothing => return Err(Refusal(501, "Forgotten")),
            };
        }
        Ok(response)
    }

    fn list(&self, prefix: &str) -> Response {
        let keys: Vec<&String> = self.store.objects.keys().filter(|key| key.starts_with(prefix)).collect();
        let mut told = format!("<Name>{BUCKET}</Name><IsTruncated>false</IsTruncated>");
        told.push_str(&format!("<KeyCount>{}</KeyCount>", keys.len()));
        for key in keys {
            let key = key.replace('&', "&amp;").replace('<', "&lt;");
            told.push_str(&format!("<Contents><Key>{key}</Key></Contents>"));
        }
        xml("ListBucketResult", &told)
    }
}

fn tagged(etag: &str) -> Response {
    Response::new(200, "").with("etag", format!("\"{etag}\""))
}

fn xml(element: &str, inside: &str) -> Response {
    let space = "http://s3.amazonaws.com/doc/2006-03-01/";
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{element} xmlns=\"{space}\">{inside}</{element}>"
    );
    Response::new(200, text).with("content-type", "application/xml")
}
