//! A blocking HTTP/1.1 client over one kept-open connection: just what tests and the load generator
//! need, so that the measured process is the server and not the client.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One connection to a server.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What to ask.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST`, ….
    pub method: &'a str,
    /// The path with its query.
    pub path: &'a str,
    /// The API key, if any.
    pub key: Option<&'a str>,
    /// The body, sent as JSON when it is not empty.
    pub body: &'a [u8],
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The head as text.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
    }
}

impl Connection {
    /// A connection that is opened at its first request.
    pub fn new(address: SocketAddr) -> Connection {
        Connection { address, stream: None, buffer: Vec::with_capacity(64 << 10) }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    ///
    /// Whatever the socket says; the next request opens a new connection.
    pub fn send(&mut self, request: Request<'_>) -> io::Result<Answer> {
        let answer = self.exchange(request);
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    fn exchange(&mut self, request: Request<'_>) -> io::Result<Answer> {
        if self.stream.is_none() {
            let stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(60)))?;
            self.stream = Some(stream);
        }
        self.buffer.clear();
        write!(self.buffer, "{} {} HTTP/1.1\r\nhost: souk\r\n", request.method, request.path)?;
        if let Some(key) = request.key {
            write!(self.buffer, "authorization: Bearer {key}\r\n")?;
        }
        if !request.body.is_empty() {
            write!(self.buffer, "content-type: application/json\r\n")?;
        }
        write!(self.buffer, "content-length: {}\r\n\r\n", request.body.len())?;
        self.buffer.extend_from_slice(request.body);
        let stream = self.stream.as_mut().expect("opened above");
        stream.write_all(&self.buffer)?;
        self.buffer.clear();
        read_answer(stream, &mut self.buffer)
    }
}

fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Answer> {
    let head_end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        fill(stream, buffer)?;
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(broken)?;
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        let body = read_chunks(stream, buffer, head_end)?;
        return Ok(Answer { status, head, body });
    }
    let length = header(&head, "content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
    while buffer.len() < head_end + length {
        fill(stream, buffer)?;
    }
    Ok(Answer { status, head, body: buffer[head_end..head_end + length].to_vec() })
}

fn read_chunks(stream: &mut TcpStream, buffer: &mut Vec<u8>, mut at: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = loop {
            let found = buffer[at..].windows(2).position(|window| window == b"\r\n");
            match found {
                Some(end) => break at + end,
                None => fill(stream, buffer)?,
            }
        };
        let digits = std::str::from_utf8(&buffer[at..line_end]).map_err(|_| broken())?;
        let size = usize::from_str_radix(digits.trim(), 16).map_err(|_| broken())?;
        let (from, to) = (line_end + 2, line_end + 2 + size);
        while buffer.len() < to + 2 {
            fill(stream, buffer)?;
        }
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&buffer[from..to]);
        at = to + 2;
    }
}

fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut piece = [0u8; 32 << 10];
    match stream.read(&mut piece)? {
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        read => {
            buffer.extend_from_slice(&piece[..read]);
            Ok(())
        }
    }
}

/// A header's value by its lower-case name.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP")
}
