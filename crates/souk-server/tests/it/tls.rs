use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore};
use souk_server::{Limits, ServeError, Server, ServerConfig, TlsFiles};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::http::{get, read_reply};
use crate::shop::{Setup, Shop};

fn certified() -> (TempDir, TlsFiles) {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["souk.test".to_owned()]).unwrap();
    let files = TlsFiles {
        certificate: folder.path().join("certificate.pem"),
        key: folder.path().join("key.pem"),
    };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    (folder, files)
}

#[test]
fn the_server_speaks_tls_when_it_has_a_certificate() {
    let (_folder, files) = certified();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.certificate).unwrap()).unwrap();
    let shop = Shop::with(Setup { tls: Some(files), ..Setup::default() });
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let wire = shop.runtime.block_on(async {
        let stream = TcpStream::connect(shop.address).await.unwrap();
        let name = ServerName::try_from("souk.test").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let version = stream.get_ref().1.protocol_version();
        assert_eq!(version, Some(ProtocolVersion::TLSv1_3), "the newest is taken");
        stream.write_all(&get("/version").wire()).await.unwrap();
        let mut wire = Vec::new();
        stream.read_to_end(&mut wire).await.unwrap();
        wire
    });
    let reply = read_reply(&mut wire.as_slice()).expect(200);
    assert_eq!(reply.json()["name"], "souk");
    assert!(reply.header("strict-transport-security").unwrap().starts_with("max-age=63072000"));
}

/// What a client of long ago sends first: a greeting that offers nothing newer than `version`
/// (0x0301 is TLS 1.0), with a cipher suite that such servers know.
fn old_greeting(version: u16) -> Vec<u8> {
    let version = version.to_be_bytes();
    let mut greeting = version.to_vec();
    greeting.extend([7; 32]);
    // No session; AES-128-CBC-SHA and ECDHE-RSA-AES-128-CBC-SHA; no compression.
    greeting.extend([0, 0, 4, 0x00, 0x2f, 0xc0, 0x13, 1, 0]);
    let length = u32::try_from(greeting.len()).unwrap().to_be_bytes();
    let mut handshake = vec![1];
    handshake.extend(&length[1..]);
    handshake.extend(greeting);
    let mut record = vec![22, 3, 1];
    record.extend(u16::try_from(handshake.len()).unwrap().to_be_bytes());
    record.extend(handshake);
    record
}

#[test]
fn versions_before_1_2_are_refused() {
    let (_folder, files) = certified();
    let shop = Shop::with(Setup { tls: Some(files), ..Setup::default() });
    for version in [0x0300, 0x0301, 0x0302] {
        let mut stream = crate::http::connect(shop.address);
        std::io::Write::write_all(&mut stream, &old_greeting(version)).unwrap();
        let mut answer = Vec::new();
        // The server may close hard after its alert.
        let _ = std::io::Read::read_to_end(&mut stream, &mut answer);
        // A record of kind alert (21): fatal (2), protocol version (70) or handshake failure (40).
        assert_eq!(answer.first(), Some(&21), "{version:x}: {answer:?}");
        assert_eq!(answer.get(5), Some(&2), "{version:x}: {answer:?}");
        assert!(matches!(answer.get(6), Some(70 | 40)), "{version:x}: {answer:?}");
    }
}

#[test]
fn a_wrong_certificate_is_named() {
    let shop = Shop::open();
    let (_folder, files) = certified();
    let refused = |files: TlsFiles| {
        let config =
            ServerConfig { tls: Some(files), ..ServerConfig::at("127.0.0.1:0".parse().unwrap()) };
        let bound = shop.runtime.block_on(Server::bind(Arc::clone(&shop.app), config));
        match bound.unwrap_err() {
            ServeError::Tls { path, .. } => path,
            other => panic!("{other}"),
        }
    };
    let missing = files.key.with_file_name("missing.pem");
    assert!(refused(TlsFiles { key: missing.clone(), ..files.clone() }).ends_with("missing.pem"));
    assert!(refused(TlsFiles { certificate: missing, ..files.clone() }).ends_with("missing.pem"));
    // The key file holds no certificate.
    let swapped = TlsFiles { certificate: files.key.clone(), key: files.key };
    assert!(refused(swapped).ends_with("key.pem"));
}

/// Whoever connects and does not even greet makes room for the next one.
#[test]
fn a_silent_handshake_makes_room() {
    let (_folder, files) = certified();
    let limits = Limits {
        connections_max: 2,
        header_timeout: Duration::from_secs(600),
        ..Limits::default()
    };
    let shop = Shop::with(Setup { tls: Some(files), limits, ..Setup::default() });
    let mut silent: Vec<_> = (0..2).map(|_| crate::http::connect(shop.address)).collect();
    for stream in &silent {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    }
    // The third connection is answered although both seats are taken: with an alert to a greeting of
    // long ago, which proves that the server took it up.
    let mut third = crate::http::connect(shop.address);
    third.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    std::io::Write::write_all(&mut third, &old_greeting(0x0301)).unwrap();
    let mut answer = Vec::new();
    let _ = std::io::Read::read_to_end(&mut third, &mut answer);
    assert_eq!(answer.first(), Some(&21), "{answer:?}");
    // The one that has waited longest was dismissed.
    let mut rest = [0; 1];
    let ended = std::io::Read::read(&mut silent[0], &mut rest);
    assert!(!matches!(&ended, Ok(1..)), "{ended:?}");
    let is_timeout = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    assert!(!ended.as_ref().is_err_and(is_timeout), "it still waits");
}
