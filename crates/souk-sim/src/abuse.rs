//! Clients that mean harm, or behave as if they did: for tests and measurements.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

/// What each connection of a crowd does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Connects and says nothing.
    Idle,
    /// Sends a head of one byte every half second.
    SlowHead,
    /// Sends a whole head and then a body of one byte every half second.
    SlowBody,
}

/// Many connections of one habit; dropping it closes them.
#[derive(Debug)]
pub struct Crowd {
    streams: Arc<Vec<TcpStream>>,
    stop: Arc<AtomicBool>,
    dripping: Option<JoinHandle<()>>,
}

/// Between two bytes of a slow client.
const DRIP: Duration = Duration::from_millis(500);

impl Crowd {
    /// Opens `count` connections.
    ///
    /// # Errors
    ///
    /// Whatever connecting or the first bytes meet; ask for the limit of open files first.
    pub fn gather(address: SocketAddr, habit: Habit, count: usize) -> io::Result<Crowd> {
        let head: &[u8] = match habit {
            Habit::Idle => b"",
            Habit::SlowHead => b"POST /v1/batch HTTP/1.1\r\nhost: souk\r\nx-slow: ",
            Habit::SlowBody => {
                b"POST /v1/batch HTTP/1.1\r\nhost: souk\r\ncontent-length: 400000\r\n\r\n{"
            }
        };
        let mut streams = Vec::with_capacity(count);
        for _ in 0..count {
            let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(10))?;
            stream.set_read_timeout(Some(Duration::from_secs(60)))?;
            stream.write_all(head)?;
            streams.push(stream);
        }
        let (streams, stop) = (Arc::new(streams), Arc::new(AtomicBool::new(false)));
        let dripping = (habit != Habit::Idle).then(|| {
            let (streams, stop) = (Arc::clone(&streams), Arc::clone(&stop));
            std::thread::spawn(move || {
                while !stop.load(Relaxed) {
                    for mut stream in streams.iter() {
                        // One that was closed is what the server is meant to do.
                        let _ = stream.write(b"a");
                    }
                    std::thread::sleep(DRIP);
                }
            })
        });
        Ok(Crowd { streams, stop, dripping })
    }

    /// Waits until the server has ended every connection, and returns what it said on each.
    pub fn endings(&self) -> Vec<String> {
        let ending = |mut stream: &TcpStream| {
            let mut said = Vec::new();
            // A reset is an end too; what came before it counts.
            let _ = stream.read_to_end(&mut said);
            String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned()
        };
        self.streams.iter().map(ending).collect()
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(dripping) = self.dripping.take() {
            let _ = dripping.join();
        }
    }
}

/// How a large body says where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length`.
    Announced,
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// Sends a body of so many bytes and returns the status line of the answer.
///
/// # Errors
///
/// When the server cannot be reached or says nothing.
pub fn send_large(
    address: SocketAddr,
    (path, key): (&str, &str),
    (bytes, framing): (usize, Framing),
) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_write_timeout(Some(Duration::from_secs(60)))?;
    let framed = match framing {
        Framing::Announced => format!("content-length: {bytes}"),
        Framing::Chunked => "transfer-encoding: chunked".to_owned(),
    };
    write!(
        stream,
        "PUT {path} HTTP/1.1\r\nhost: souk\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\n{framed}\r\n\r\n"
    )?;
    let piece = [b' '; 0x1_0000];
    for _ in 0..bytes / piece.len() {
        let sent = match framing {
            Framing::Announced => stream.write_all(&piece),
            Framing::Chunked => stream
                .write_all(b"10000\r\n")
                .and_then(|()| stream.write_all(&piece))
                .and_then(|()| stream.write_all(b"\r\n")),
        };
        if sent.is_err() {
            // The server has heard enough; what it said is still there to be read.
            break;
        }
    }
    status_line(&mut stream)
}

/// Sends these bytes as they are and returns the status line of the answer.
///
/// # Errors
///
/// As [`send_large`].
pub fn send_raw(address: SocketAddr, bytes: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let _ = stream.write_all(bytes);
    status_line(&mut stream)
}

fn status_line(stream: &mut TcpStream) -> io::Result<String> {
    let mut said = Vec::new();
    let mut piece = [0; 4_096];
    while !said.contains(&b'\n') {
        match stream.read(&mut piece)? {
            0 => break,
            n_read => said.extend_from_slice(&piece[..n_read]),
        }
    }
    Ok(String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned())
}

/// Most memory that a process ever held, in KB, as Linux tells it.
///
/// # Errors
///
/// When there is no such process, or no such figure.
pub fn peak_memory_kb(pid: u32) -> io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let figure = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    figure.ok_or_else(|| io::Error::other("there is no VmHWM"))
}
