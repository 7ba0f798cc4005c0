//! TLS, as far as the address asks for it. (A proxy in front of the server plays its part.)

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use store::{Db, bulk};
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivatePkcs8KeyDer},
};

use crate::{
    database::Database,
    rows::tables::{key, line, with_tables},
};

/// A server at `localhost` that takes nobody without TLS.
struct Server {
    database: Database,
    port: u16,
    certificate: NamedTempFile,
    /// Connections by TLS.
    safe: Arc<AtomicUsize>,
}

impl Server {
    async fn new() -> Self {
        let database = with_tables().await;
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = NamedTempFile::new().unwrap();
        std::fs::write(&certificate, cert.pem()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], PrivatePkcs8KeyDer::from(signing_key.serialize_der()).into())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, safe) = (listener.local_addr().unwrap().port(), Arc::<AtomicUsize>::default());
        let (real, count) = (address(database.url()).to_owned(), safe.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (real, acceptor, count) = (real.clone(), acceptor.clone(), count.clone());
                tokio::spawn(async move {
                    let mut asked = [0; 8];
                    client.read_exact(&mut asked).await.unwrap();
                    if asked != *b"\0\0\0\x08\x04\xd2\x16\x2f" {
                        return; // whoever does not ask for TLS is hung up on
                    }
                    client.write_all(b"S").await.unwrap();
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    count.fetch_add(1, Ordering::SeqCst);
                    let mut server = TcpStream::connect(real).await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { database, port, certificate, safe }
    }

    /// Its address, by this name, with this said of TLS; `ROOT` is its certificate's file.
    fn url(&self, host: &str, tls: &str) -> String {
        let url = self.database.url();
        let url = url.replace(address(url), &format!("{host}:{}", self.port));
        format!("{url}?{}", tls.replace("ROOT", self.certificate.path().to_str().unwrap()))
    }

    async fn takes(&self, host: &str, tls: &str) {
        let before = self.safe.load(Ordering::SeqCst);
        let db = Db::open(&self.url(host, tls), 3).await.unwrap();
        let after_opening = self.safe.load(Ordering::SeqCst);
        assert!(after_opening >= before + 2, "{tls}: {before} and {after_opening}: for queries and for transactions");
        for amount in 0..2 {
            let tx = db.begin().await.unwrap();
            bulk::insert::<line::Entity>(&tx, vec![line(key(1, 1), amount)]).await.unwrap();
            let found = bulk::select::<line::Entity>(&tx, &[key(1, 1)], true).await.unwrap();
            assert_eq!(found, [line(key(1, 1), amount)], "{tls}");
            bulk::remove::<line::Entity>(&tx, &[key(1, 1)]).await.unwrap();
            tx.commit().await.unwrap();
        }
        db.close().await.unwrap();
    }

    async fn is_not_believed(&self, host: &str, tls: &str) {
        let error = Db::open(&self.url(host, tls), 3).await.map(drop).unwrap_err();
        assert!(error.to_string().contains("certificate"), "{tls}: {error}");
    }
}

/// Host and port.
fn address(url: &str) -> &str {
    url.split(['@', '/']).nth(3).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_go_through_tls() {
    let server = Server::new().await;
    server.takes("127.0.0.1", "sslmode=require").await;
    server.takes("127.0.0.1", "sslmode=prefer").await;
    assert!(Db::open(&server.url("127.0.0.1", "sslmode=disable"), 3).await.is_err(), "this server wants TLS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_is_looked_at_as_closely_as_its_address_says() {
    let server = Server::new().await;
    server.takes("localhost", "sslmode=verify-full&sslrootcert=ROOT").await;
    server.takes("127.0.0.1", "sslmode=verify-ca&sslrootcert=ROOT").await;
    server.is_not_believed("127.0.0.1", "sslmode=verify-full&sslrootcert=ROOT").await; // another name
    server.is_not_believed("localhost", "sslmode=verify-full").await; // signed by nobody that is known
}
