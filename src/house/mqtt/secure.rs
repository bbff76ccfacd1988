//! The encryption of the connection to the broker.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rumqttc::Transport;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Why the connection cannot be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum SecureError {
    /// The file with the certificates cannot be read.
    #[error("{}: {error}; it must have certificates as PEM", .file.display())]
    Certificates {
        /// The file.
        file: PathBuf,
        /// Why.
        error: String,
    },
    /// The system has no certificates.
    #[error("this system has no certificates: name those of the broker with ca_file in [mqtt]")]
    NoSystemCertificates,
    /// The encryption itself.
    #[error("{0}")]
    Tls(#[from] rustls::Error),
}

/// An encrypted connection to a broker whose certificate these certificates prove, or those of the system.
pub fn transport(ca_file: Option<&Path>) -> Result<Transport, SecureError> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(file) => {
            let failed = |error: String| SecureError::Certificates { file: file.to_owned(), error };
            let certificates =
                CertificateDer::pem_file_iter(file).map_err(|error| failed(error.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| failed(error.to_string()))?;
                roots.add(certificate).map_err(|error| failed(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(failed("there is none in it".to_owned()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(SecureError::NoSystemCertificates);
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Transport::tls_with_config(rumqttc::TlsConfiguration::Rustls(Arc::new(config))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, "no certificate\n").unwrap();
        let said = transport(Some(&file)).map(|_| ()).unwrap_err().to_string();
        assert!(said.contains("ca.pem: ") && said.ends_with("it must have certificates as PEM"), "{said}");
        assert!(transport(Some(&folder.path().join("nowhere"))).is_err());
    }
}
