//! The files of a connection: read before anything is asked of a server, which would be blamed for what is wrong with them.

use std::fs;
use std::io;
use std::path::Path;

use async_nats::rustls::RootCertStore;
use async_nats::rustls::crypto::ring::sign::any_supported_type;
use async_nats::rustls::pki_types::pem::PemObject;
use async_nats::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use nkeys::KeyPair;

use super::error::BusError;

/// What a credentials file says of itself.
const CREDENTIALS: &str = "BEGIN NATS USER JWT";

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, BusError> {
    fs::read_to_string(path).map_err(|error| setting(path, &error))
}

/// The seed of an `NKey`.
pub(super) fn seed(path: &Path) -> Result<String, BusError> {
    let text = read(path)?;
    let seed = text.trim();
    // What the library says of one that it does not know may show a part of it.
    match KeyPair::from_seed(seed) {
        Ok(_) => Ok(seed.to_owned()),
        Err(_) if seed.is_empty() => Err(unfit(path, "it is empty, and the seed of an NKey is needed")),
        Err(_) if seed.contains(CREDENTIALS) => {
            Err(unfit(path, "it is a credentials file, which `sync.credentials` (`NATS_CREDS`) names"))
        }
        Err(_) => Err(unfit(path, "it holds no seed of an NKey")),
    }
}

/// Refuses a file without certificates of authorities.
pub(super) fn refuse_no_authority(path: &Path) -> Result<(), BusError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        store.add(certificate).map_err(|error| unfit(path, &format!("a certificate in it: {error}")))?;
    }
    Ok(())
}

/// Refuses a file without a certificate.
pub(super) fn refuse_no_certificate(path: &Path) -> Result<(), BusError> {
    certificates(path).map(drop)
}

/// Refuses a file without a key.
pub(super) fn refuse_no_key(path: &Path) -> Result<(), BusError> {
    let key = PrivateKeyDer::from_pem_slice(read(path)?.as_bytes());
    let key = key.map_err(|_| unfit(path, "it holds no private key in PEM"))?;
    any_supported_type(&key).map(drop).map_err(|_| unfit(path, "the private key in it is of no kind that TLS knows"))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BusError> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match found {
        Ok(found) if found.is_empty() => Err(unfit(path, "it holds no certificate in PEM")),
        Ok(found) => Ok(found),
        Err(error) => Err(unfit(path, &error.to_string())),
    }
}

pub(super) fn setting(path: &Path, error: &io::Error) -> BusError {
    unfit(path, &error.to_string())
}

pub(super) fn unfit(path: &Path, why: &str) -> BusError {
    BusError::Setting { what: path.display().to_string(), why: why.to_owned() }
}
