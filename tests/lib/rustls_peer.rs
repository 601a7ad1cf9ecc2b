// SPDX-License-Identifier: Apache-2.0
//! Both ends of HTTP/1.1 over rustls, small and synchronous.
//!   rustls_peer server PORT CERT.der KEY.der      answers each request with its own body
//!   rustls_peer client PORT FOLDER FROM TO N      posts FOLDER/FROM.json to FOLDER/TO.json,
//!                                                 N over each connection
use rustls::{Certificate, ClientConfig, ClientConnection, PrivateKey, ServerConfig, ServerConnection, StreamOwned};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// The other end is this test's own.
struct Anyone;
impl rustls::client::ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &Certificate,
        _: &[Certificate],
        _: &rustls::ServerName,
        _: &mut dyn Iterator<Item = &[u8]>,
        _: &[u8],
        _: std::time::SystemTime,
    ) -> std::result::Result<rustls::client::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::ServerCertVerified::assertion())
    }
}

fn bad(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// One message: its head and its body. None: the other end is done.
fn message(from: &mut impl Read) -> Result<Option<(String, Vec<u8>)>> {
    let (mut got, mut piece) = (Vec::new(), [0u8; 1024]);
    loop {
        if let Some(end) = got.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8(got[..end].to_vec()).map_err(|_| bad("head"))?;
            let length = head
                .lines()
                .find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length:").map(|v| v.trim().to_string()))
                .map_or(Ok(0), |v| v.parse::<usize>())
                .map_err(|_| bad("length"))?;
            if got.len() - end - 4 >= length {
                return Ok(Some((head, got[end + 4..].to_vec())));
            }
        }
        match from.read(&mut piece) {
            Ok(0) if got.is_empty() => return Ok(None),
            Ok(0) => return Err(bad("cut off")),
            Ok(n) => got.extend_from_slice(&piece[..n]),
            Err(e) if e.kind() == ErrorKind::UnexpectedEof && got.is_empty() => return Ok(None),
            Err(e) => return Err(e),
        }
    }
}

fn serve(config: Arc<ServerConfig>, socket: TcpStream) -> Result<()> {
    let session = ServerConnection::new(config).map_err(|e| bad(&e.to_string()))?;
    let mut tls = StreamOwned::new(session, socket);
    while let Some((_, body)) = message(&mut tls)? {
        write!(tls, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len())?;
        tls.write_all(&body)?;
        tls.flush()?;
    }
    tls.conn.send_close_notify();
    tls.flush()
}

fn server(port: u16, cert: &str, key: &str) -> Result<()> {
    let (cert, key) = (Certificate(std::fs::read(cert)?), PrivateKey(std::fs::read(key)?));
    let config = ServerConfig::builder()
        .with_safe_defaults()
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .map_err(|e| bad(&e.to_string()))?;
    let config = Arc::new(config);
    for socket in TcpListener::bind(("127.0.0.1", port))?.incoming() {
        let (config, socket) = (config.clone(), socket?);
        std::thread::spawn(move || serve(config, socket));
    }
    Ok(())
}

fn client(port: u16, folder: &str, from: usize, to: usize, each: usize) -> Result<()> {
    let config = ClientConfig::builder()
        .with_safe_defaults()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    let config = Arc::new(config);
    for first in (from..=to).step_by(each) {
        let name = "localhost".try_into().map_err(|_| bad("name"))?;
        let session = ClientConnection::new(config.clone(), name).map_err(|e| bad(&e.to_string()))?;
        let mut tls = StreamOwned::new(session, TcpStream::connect(("127.0.0.1", port))?);
        for i in first..=to.min(first + each - 1) {
            let body = std::fs::read(format!("{}/{}.json", folder, i))?;
            let head = format!("POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
            // In one write and in two.
            if i % 2 == 0 {
                tls.write_all(&[head.as_bytes(), &body].concat())?;
            } else {
                tls.write_all(head.as_bytes())?;
                tls.write_all(&body)?;
            }
            let (head, _) = message(&mut tls)?.ok_or_else(|| bad("no answer"))?;
            if !head.starts_with("HTTP/1.1 200 ") {
                return Err(bad(&head));
            }
        }
        tls.conn.send_close_notify();
        tls.flush()?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let a: Vec<String> = std::env::args().collect();
    let number = |i: usize| a.get(i).and_then(|v| v.parse().ok()).ok_or_else(|| bad("argument"));
    match (a.get(1).map(String::as_str), a.len()) {
        (Some("server"), 5) => server(number(2)? as u16, &a[3], &a[4]),
        (Some("client"), 7) => client(number(2)? as u16, &a[3], number(4)?, number(5)?, number(6)?),
        _ => Err(bad("usage: rustls_peer server PORT CERT KEY | client PORT FOLDER FROM TO N")),
    }
}
