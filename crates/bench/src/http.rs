//! As much of HTTP/1.1 as the SDK and Lambda's runtime speak, on loopback, with a thread for each connection.

mod body;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use percent_encoding::percent_decode_str;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub use self::body::Incoming;

const BUFFER: usize = 64 * 1024;

/// A request without its body. Names of headers are lower case.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, percent-decoded.
    pub path: String,
    /// The query, percent-decoded; a name without a value has an empty one.
    pub query: BTreeMap<String, String>,
    /// The headers.
    pub headers: BTreeMap<String, String>,
}

impl Request {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The value of a name in the query.
    #[must_use]
    pub fn asked(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

/// What is sent back.
#[derive(Debug)]
pub enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A piece of a file.
    Piece {
        /// The file.
        path: PathBuf,
        /// Where the piece begins.
        from: u64,
        /// How many bytes it has.
        length: u64,
    },
    /// Nothing, ever: the connection stays open until the client closes it.
    Silence,
}

/// An answer.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers besides `Content-Length`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub content: Content,
}

impl Response {
    /// An answer with these bytes.
    #[must_use]
    pub fn new(status: u16, bytes: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), content: Content::Bytes(bytes.into()) }
    }

    /// The same with one header more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Answers requests. What it leaves of a body is read and thrown away.
pub trait Service: Send + Sync + 'static {
    /// Answers one request.
    ///
    /// # Errors
    /// When the connection broke; it is closed then.
    fn answer(&self, request: &Request, body: &mut Incoming<'_>) -> io::Result<Response>;
}

/// Serves on a free port of loopback for as long as this process lives.
///
/// # Errors
/// When no port can be had.
pub fn serve(service: Arc<impl Service>, tls: Option<Arc<ServerConfig>>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (service, tls) = (Arc::clone(&service), tls.clone());
            // A connection that breaks is the client's business; it tries again or fails.
            thread::spawn(move || connection(stream, service.as_ref(), tls));
        }
    });
    Ok(address)
}

fn connection(stream: TcpStream, service: &impl Service, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => converse(stream, service),
        Some(config) => {
            let session = ServerConnection::new(config).map_err(io::Error::other)?;
            converse(StreamOwned::new(session, stream), service)
        }
    }
}

/// Answers one request after the other, until the client closes the connection.
fn converse(stream: impl Read + Write, service: &impl Service) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(BUFFER, stream);
    while let Some(request) = head(&mut stream)? {
        if request.header("expect").is_some_and(|expected| expected.eq_ignore_ascii_case("100-continue")) {
            stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut body = Incoming::of(&request, &mut stream);
        let response = service.answer(&request, &mut body)?;
        body.drain()?;
        if matches!(response.content, Content::Silence) {
            io::copy(&mut stream, &mut io::sink())?;
            return Ok(());
        }
        send(stream.get_mut(), &request, response)?;
    }
    Ok(())
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The next request, without its body; `None` at the end of the connection.
fn head(stream: &mut BufReader<impl Read>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_ascii_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(broken("no request line"));
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    Ok(Some(Request {
        method: method.to_owned(),
        path: decoded(path),
        query: pairs.map(|(name, value)| (decoded(name), decoded(value))).collect(),
        headers: fields(stream)?,
    }))
}

/// Header fields up to the empty line that ends them.
fn fields(stream: &mut impl io::BufRead) -> io::Result<BTreeMap<String, String>> {
    let mut fields = BTreeMap::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(broken("the headers do not end"));
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(fields);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| broken("no header field"))?;
        fields.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
    }
}

fn send(stream: &mut impl Write, request: &Request, response: Response) -> io::Result<()> {
    let length = match &response.content {
        Content::Bytes(bytes) => bytes.len() as u64,
        Content::Piece { length, .. } => *length,
        Content::Silence => return Ok(()),
    };
    let mut head = format!("HTTP/1.1 {} \r\n", response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let own_length = response.headers.iter().any(|(name, _)| *name == "content-length");
    if !own_length && !matches!(response.status, 204 | 304) {
        head.push_str(&format!("content-length: {length}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    if request.method != "HEAD" && response.status != 304 {
        match response.content {
            Content::Bytes(bytes) => stream.write_all(&bytes)?,
            Content::Piece { path, from, length } => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(from))?;
                copy(&mut file.take(length), stream)?;
            }
            Content::Silence => {}
        }
    }
    stream.flush()
}

/// In pieces of a size that costs the client the same as those of a real connection: not one system call each.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = from.read(&mut buffer)?;
        match buffer.get(..read) {
            Some(bytes) if !bytes.is_empty() => to.write_all(bytes)?,
            _ => return Ok(()),
        }
    }
}
