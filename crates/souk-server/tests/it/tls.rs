use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use souk_server::{ServeError, Server, ServerConfig, TlsFiles};
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
        stream.write_all(&get("/version").wire()).await.unwrap();
        let mut wire = Vec::new();
        stream.read_to_end(&mut wire).await.unwrap();
        wire
    });
    let reply = read_reply(&mut wire.as_slice()).expect(200);
    assert_eq!(reply.header("strict-transport-security"), Some("max-age=31536000"));
    assert_eq!(reply.json()["name"], "souk");
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
