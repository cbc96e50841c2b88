//! Bodies as they travel: of a known length or in chunks, and inside either S3's own chunks with trailers.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Take};

use super::{BUFFER, Request, broken, fields};

/// A request's body, with the wrapping taken off.
pub struct Incoming<'a>(Wrapping<'a>);

enum Wrapping<'a> {
    None(Framed<'a>),
    /// `aws-chunked`: S3's way to send a checksum after the bytes (Amazon S3 API reference, "Signature
    /// calculations including trailing headers").
    Aws(Box<Chunked<BufReader<Framed<'a>>>>),
}

impl<'a> Incoming<'a> {
    /// The body that follows these headers.
    pub(super) fn of(request: &Request, stream: &'a mut dyn BufRead) -> Self {
        let has = |name: &str, what: &str| request.header(name).is_some_and(|value| value.contains(what));
        let length = request.header("content-length").and_then(|length| length.parse().ok());
        let framed = if has("transfer-encoding", "chunked") {
            Framed::Chunks(Box::new(Chunked::new(stream)))
        } else {
            Framed::Length(stream.take(length.unwrap_or(0)))
        };
        if has("content-encoding", "aws-chunked") || has("x-amz-content-sha256", "STREAMING-") {
            Self(Wrapping::Aws(Box::new(Chunked::new(BufReader::with_capacity(BUFFER, framed)))))
        } else {
            Self(Wrapping::None(framed))
        }
    }

    /// Reads what is left, the wrapping's own end included: the next request begins after it.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink())?;
        if let Wrapping::Aws(chunked) = &mut self.0 {
            io::copy(&mut chunked.inner, &mut io::sink())?;
        }
        Ok(())
    }

    /// What came after the bytes; complete when they have been read to their end.
    #[must_use]
    pub fn trailers(&self) -> BTreeMap<String, String> {
        match &self.0 {
            Wrapping::None(_) => BTreeMap::new(),
            Wrapping::Aws(chunked) => chunked.trailers.clone(),
        }
    }
}

impl Read for Incoming<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Wrapping::None(framed) => framed.read(into),
            Wrapping::Aws(chunked) => chunked.read(into),
        }
    }
}

enum Framed<'a> {
    Length(Take<&'a mut dyn BufRead>),
    Chunks(Box<Chunked<&'a mut dyn BufRead>>),
}

impl Read for Framed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            // A body that ends early must not pass for a shorter one.
            Self::Length(take) => match take.read(into)? {
                0 if take.limit() > 0 && !into.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
                read => Ok(read),
            },
            Self::Chunks(chunked) => chunked.read(into),
        }
    }
}

/// Chunks of HTTP/1.1, and of S3, which writes them alike: a length in hexadecimal, perhaps an extension, the
/// bytes; at last a chunk of none, and trailers.
struct Chunked<R> {
    inner: R,
    left: u64,
    begun: bool,
    ended: bool,
    trailers: BTreeMap<String, String>,
}

impl<R: BufRead> Chunked<R> {
    fn new(inner: R) -> Self {
        Self { inner, left: 0, begun: false, ended: false, trailers: BTreeMap::new() }
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let mut line = String::new();
        if self.begun {
            // The line break after the last chunk's bytes.
            self.inner.read_line(&mut line)?;
            line.clear();
        }
        self.begun = true;
        self.inner.read_line(&mut line)?;
        let length = line.split(';').next().unwrap_or_default().trim();
        self.left = u64::from_str_radix(length, 16).map_err(|_| broken("no length of a chunk"))?;
        if self.left == 0 {
            self.ended = true;
            self.trailers = fields(&mut self.inner)?;
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Chunked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !self.ended {
            self.next_chunk()?;
        }
        if self.ended || into.is_empty() {
            return Ok(0);
        }
        let read = (&mut self.inner).take(self.left).read(into)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &str)], wire: &str) -> io::Result<(String, BTreeMap<String, String>)> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request { headers, ..Request::default() };
        let mut wire = wire.as_bytes();
        let mut body = Incoming::of(&request, &mut wire);
        let mut text = String::new();
        body.read_to_string(&mut text)?;
        Ok((text, body.trailers()))
    }

    #[test]
    fn a_body_of_known_length_ends_there() {
        assert_eq!(read(&[("content-length", "5")], "helloGET /").unwrap().0, "hello");
        assert_eq!(read(&[], "GET /").unwrap().0, "");
    }

    #[test]
    fn a_body_that_breaks_off_is_an_error() {
        assert!(read(&[("content-length", "9")], "hello").is_err());
        assert!(read(&[("transfer-encoding", "chunked")], "5\r\nhel").is_err());
    }

    #[test]
    fn chunks_are_put_together() {
        let wire = "3\r\nhel\r\n2;name=value\r\nlo\r\n0\r\n\r\nGET /";
        assert_eq!(read(&[("transfer-encoding", "chunked")], wire).unwrap().0, "hello");
    }

    #[test]
    fn a_checksum_in_a_trailer_of_s3_is_found() {
        let wire = "5\r\nhello\r\n0\r\nx-amz-checksum-crc64nvme:abc=\r\n\r\n";
        let length = wire.len().to_string();
        let headers = [
            ("content-length", length.as_str()),
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ];
        let (text, trailers) = read(&headers, wire).unwrap();
        assert_eq!(text, "hello");
        assert_eq!(trailers["x-amz-checksum-crc64nvme"], "abc=");
    }

    #[test]
    fn chunks_of_s3_may_travel_in_chunks_of_http() {
        let wire = "8\r\n5\r\nhello\r\n7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n";
        let headers = [("transfer-encoding", "chunked"), ("content-encoding", "aws-chunked")];
        assert_eq!(read(&headers, wire).unwrap().0, "hello");
    }
}
