//! A small HTTP client: one request a connection, so that nothing of one test reaches the next.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A request in the making.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

pub fn call(method: &'static str, path: &str) -> Call {
    Call { method, path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
}

pub fn get(path: &str) -> Call {
    call("GET", path)
}

pub fn post(path: &str, body: &Value) -> Call {
    call("POST", path).json(body)
}

impl Call {
    pub fn header(mut self, name: &str, value: &str) -> Call {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn key(self, key: &str) -> Call {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub fn json(self, body: &Value) -> Call {
        self.text("application/json", &body.to_string())
    }

    pub fn text(self, media_type: &str, body: &str) -> Call {
        self.bytes(media_type, body.as_bytes())
    }

    pub fn bytes(mut self, media_type: &str, body: &[u8]) -> Call {
        self.body = body.to_vec();
        self.header("content-type", media_type)
    }

    /// The head and body as they go over the wire.
    pub fn wire(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: souk.test\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let has_body = !self.body.is_empty() || self.method != "GET";
        if has_body && !self.headers.iter().any(|(name, _)| name == "content-length") {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        head.push_str("connection: close\r\n\r\n");
        let mut wire = head.into_bytes();
        wire.extend_from_slice(&self.body);
        wire
    }

    pub fn send(&self, address: SocketAddr) -> Reply {
        let mut stream = connect(address);
        stream.write_all(&self.wire()).unwrap();
        read_reply(&mut stream)
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

pub fn read_reply(stream: &mut impl Read) -> Reply {
    let mut wire = Vec::new();
    stream.read_to_end(&mut wire).unwrap();
    let end = wire.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
    let head = std::str::from_utf8(&wire[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Reply { status, headers, body: wire[end + 4..].to_vec() }
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Checks the status, and shows the body where it is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(2_000)]);
        assert_eq!(self.status, status, "{body}");
        self
    }

    /// Checks that it is a problem document with this status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        let reply = self.expect(status);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        let problem = reply.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:souk:problem:{code}"));
        for field in ["title", "detail", "instance", "request_id"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
        }
        assert_eq!(reply.header("x-request-id"), problem["request_id"].as_str());
        problem
    }
}
