//! `souk healthcheck`.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::settings::Settings;
use crate::term::print_line;

/// Containers ask every few seconds; a server that takes longer is not healthy.
const ANSWER_MAX: Duration = Duration::from_secs(5);

pub(crate) fn run(address: Option<SocketAddr>, settings: &Settings) -> Result<()> {
    let mut address = address.unwrap_or(settings.config.server.listen);
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let about = || format!("no answer from {address}; is `souk serve` running?");
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX).with_context(about)?;
    if settings.config.server.tls_cert.is_some() {
        // The handshake would need the certificate's name; that the port is open must do.
        print_line("listening (TLS)")?;
        return Ok(());
    }
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nhost: souk\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(64 << 10).read_to_end(&mut answer).with_context(about)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        bail!("the server is not ready: {status} {}", body.trim());
    }
    print_line("ready")?;
    Ok(())
}
