//! The TLS settings of a PostgreSQL address, as libpq and SQLx read them: `sslmode` (default `prefer`), and
//! `sslrootcert`, `sslcert`, `sslkey`.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres::{Config, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How sure one must be of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sure {
    /// Nobody in between can listen, unless they are the server.
    Encrypted,
    /// Somebody we trust has signed its certificate.
    Signed,
    /// And for this host.
    Named,
}

/// How the server at `url` is reached.
pub(super) fn of(url: &str) -> Result<(Config, MakeRustlsConnect), String> {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut sure) = (SslMode::Prefer, Sure::Encrypted);
    let (mut root, mut cert, mut key) = (None, None, None);
    let mut rest = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "sslmode" | "ssl-mode" => {
                (mode, sure) = match value.to_lowercase().replace('_', "-").as_str() {
                    "disable" => (SslMode::Disable, Sure::Encrypted),
                    "allow" | "prefer" => (SslMode::Prefer, Sure::Encrypted),
                    "require" => (SslMode::Require, Sure::Encrypted),
                    "verify-ca" => (SslMode::Require, Sure::Signed),
                    "verify-full" => (SslMode::Require, Sure::Named),
                    other => return Err(format!("sslmode: there is no {other}")),
                }
            }
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => root = Some(value.into_owned()),
            "sslcert" | "ssl-cert" => cert = Some(value.into_owned()),
            "sslkey" | "ssl-key" => key = Some(value.into_owned()),
            "statement-cache-capacity" => {} // of SQLx alone
            _ => drop(rest.append_pair(&name, &value)),
        }
    }
    let rest = rest.finish().replace('+', "%20"); // a sign of forms alone
    let address = if rest.is_empty() { place.to_owned() } else { format!("{place}?{rest}") };
    let mut config: Config = address.parse().map_err(|error: tokio_postgres::Error| error.to_string())?;
    config.ssl_mode(mode);
    let client = client(sure, root.as_deref(), cert.as_deref().zip(key.as_deref()))?;
    Ok((config, MakeRustlsConnect::new(client)))
}

fn client(sure: Sure, root: Option<&str>, own: Option<(&str, &str)>) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    let verifier = Verifier::new(sure, root, provider)?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let Some((cert, key)) = own else { return Ok(builder.with_no_client_auth()) };
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| format!("sslkey {key}: {error}"))?;
    builder
        .with_client_auth_cert(certificates("sslcert", cert)?, key)
        .map_err(|error| format!("sslcert {cert}: {error}"))
}

fn certificates(setting: &str, file: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    read.map_err(|error| format!("{setting} {file}: {error}"))
}

/// Looks at the server's certificate as closely as it should.
#[derive(Debug)]
struct Verifier {
    sure: Sure,
    provider: Arc<CryptoProvider>,
    known: Arc<WebPkiServerVerifier>,
}

impl Verifier {
    fn new(sure: Sure, root: Option<&str>, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(file) = root {
            for certificate in certificates("sslrootcert", file)? {
                roots.add(certificate).map_err(|error| format!("sslrootcert {file}: {error}"))?;
            }
        }
        let known = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
        Ok(Self { sure, provider, known: known.map_err(|error| error.to_string())? })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        status: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.sure == Sure::Encrypted {
            return Ok(ServerCertVerified::assertion());
        }
        match self.known.verify_server_cert(certificate, between, name, status, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.sure == Sure::Signed => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Config {
        of(url).map(|(config, _)| config).unwrap()
    }

    #[test]
    fn an_address_says_how_sure_one_must_be() {
        let modes = [
            ("", SslMode::Prefer),
            ("?sslmode=disable", SslMode::Disable),
            ("?sslmode=prefer", SslMode::Prefer),
            ("?sslmode=require", SslMode::Require),
            ("?ssl-mode=VERIFY_CA", SslMode::Require),
            ("?statement-cache-capacity=7&sslmode=verify-full", SslMode::Require),
        ];
        for (query, mode) in modes {
            let config = parsed(&format!("postgresql://me:p%40ss@there:6000/shop{query}"));
            assert_eq!(config.get_ssl_mode(), mode, "{query}");
            assert_eq!((config.get_user(), config.get_dbname()), (Some("me"), Some("shop")), "{query}");
            assert_eq!((config.get_password(), config.get_ports()), (Some(&b"p@ss"[..]), &[6000][..]), "{query}");
        }
        assert_eq!(parsed("postgres://me@there/shop?options=-c%20x%3D1").get_options(), Some("-c x=1"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |query: &str| of(&format!("postgres://me@there/shop?{query}")).map(|_| ()).unwrap_err();
        assert_eq!(wrong("sslmode=sometimes"), "sslmode: there is no sometimes");
        for (query, setting) in [
            ("sslrootcert=/not/there", "sslrootcert /not/there: "),
            ("sslcert=/not/there&sslkey=/nor/there", "sslkey /nor/there: "),
        ] {
            assert!(wrong(query).starts_with(setting), "{}", wrong(query));
        }
    }
}
