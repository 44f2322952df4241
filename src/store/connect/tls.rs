//! TLS to the database: libpq's `sslmode`, trusted authorities and client certificates.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::OptionsError;

/// `sslmode`, with libpq's meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SslMode {
    /// Never TLS.
    Disable,
    /// TLS if the server refuses connections without it. Certificates are not checked.
    Allow,
    /// TLS if the server supports it. Certificates are not checked.
    Prefer,
    /// Always TLS. The certificate is checked only if a file of authorities exists, as with `verify-ca`.
    Require,
    /// Always TLS, and the certificate is signed by a trusted authority.
    VerifyCa,
    /// As `verify-ca`, and the certificate names the host.
    VerifyFull,
}

impl SslMode {
    /// Returns the mode of that name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

/// Where the trusted authorities come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Authorities {
    /// A PEM file.
    File(PathBuf),
    /// The authorities that the operating system trusts.
    System,
}

/// The TLS options of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TlsOptions {
    /// `sslmode`.
    pub(super) mode: SslMode,
    /// `sslrootcert`; `None` if it is unset and libpq's default file does not exist.
    pub(super) authorities: Option<Authorities>,
    /// `sslcert` and `sslkey`; `None` if no client certificate is used.
    pub(super) client: Option<(PathBuf, PathBuf)>,
}

/// Builds the TLS connector. Reads the files that the options name.
pub(super) fn connector(options: &TlsOptions) -> Result<MakeRustlsConnect, OptionsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|cause| OptionsError::new(format!("TLS cannot be used: {cause}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::new(options, provider)?));
    let mut config = match options.client.as_ref().filter(|_| options.mode != SslMode::Disable) {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates(certificate, "sslcert")?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|cause| unusable("sslkey", key, &cause))?;
            builder.with_client_auth_cert(chain, key).map_err(|cause| unusable("sslcert", certificate, &cause))?
        }
    };
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

fn certificates(file: &Path, option: &str) -> Result<Vec<CertificateDer<'static>>, OptionsError> {
    let pem = fs::read(file).map_err(|cause| unusable(option, file, &cause))?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(unusable(option, file, &"there is no certificate in PEM form in it")),
        Err(cause) => Err(unusable(option, file, &cause)),
    }
}

fn unusable(option: &str, file: &Path, cause: &dyn std::fmt::Display) -> OptionsError {
    OptionsError::new(format!("{option}: {} cannot be used: {cause}", file.display()))
}

/// Checks the server's certificate as far as the mode asks for it.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// Checks the chain and the name; `None` if any certificate is accepted.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// Certificates in the file of authorities. A server's own certificate may be one of them.
    trusted: Vec<CertificateDer<'static>>,
    checks_name: bool,
}

impl Verifier {
    fn new(options: &TlsOptions, provider: Arc<CryptoProvider>) -> Result<Self, OptionsError> {
        let trusted = match (options.mode, &options.authorities) {
            (SslMode::Disable | SslMode::Allow | SslMode::Prefer, _) | (SslMode::Require, None) => Vec::new(),
            (_, Some(Authorities::File(file))) => certificates(file, "sslrootcert")?,
            (_, Some(Authorities::System)) => rustls_native_certs::load_native_certs().certs,
            (SslMode::VerifyCa | SslMode::VerifyFull, None) => {
                return Err(OptionsError::new(
                    "sslmode verify-ca and verify-full need sslrootcert: a file with the authority's certificate, or \
                     `system`",
                ));
            }
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(trusted.iter().cloned());
        let chain = if trusted.is_empty() {
            None
        } else {
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
            Some(verifier.map_err(|cause| OptionsError::new(format!("sslrootcert: {cause}")))?)
        };
        if chain.is_none() && matches!(options.authorities, Some(Authorities::System)) {
            return Err(OptionsError::new("sslrootcert=system: the operating system has no trusted authorities"));
        }
        Ok(Self { provider, chain, trusted, checks_name: options.mode == SslMode::VerifyFull })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        if self.trusted.iter().any(|trusted| trusted == certificate) {
            // A self-signed certificate that was trusted by itself. The handshake proves that the server has its key.
            if self.checks_name {
                let parsed = rustls::server::ParsedCertificate::try_from(certificate)?;
                rustls::client::verify_server_name(&parsed, name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is checked after the chain: a wrong name means that the chain is good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
