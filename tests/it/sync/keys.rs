//! What servers and clients are let in by: certificates, and keys with the tokens that are signed by them.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

use crate::parts::{OPENSSL, run};

/// An authority of a test's own.
pub(super) struct Authority<'a> {
    folder: &'a Path,
    name: &'static str,
}

impl<'a> Authority<'a> {
    pub(super) fn new(folder: &'a Path, name: &'static str) -> Self {
        let authority = Self { folder, name };
        let subject = format!("/CN={name}");
        let mut arguments = vec!["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let (certificate, key) = (authority.certificate(), authority.file("key"));
        arguments.extend(["-days", "2", "-subj", &subject, "-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
        arguments.extend(["-out", certificate.to_str().unwrap(), "-keyout", key.to_str().unwrap()]);
        run(OPENSSL.command().unwrap().args(arguments)).unwrap();
        authority
    }

    /// Its certificate.
    pub(super) fn certificate(&self) -> PathBuf {
        self.file("pem")
    }

    /// A certificate with its key, for this machine's loopback, signed by the authority.
    pub(super) fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let file = |end: &str| self.folder.join(format!("{name}.{end}"));
        let (request, certificate, key, extensions) = (file("csr"), file("pem"), file("key"), file("ext"));
        let words = "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n";
        fs::write(&extensions, words).unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let subject = format!("/CN={name}");
        let mut asked = OPENSSL.command().unwrap();
        asked.args(["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", &subject]);
        run(asked.args(["-out", &text(&request), "-keyout", &text(&key)])).unwrap();
        let mut signed = OPENSSL.command().unwrap();
        signed.args(["x509", "-req", "-days", "2", "-in", &text(&request), "-CA", &text(&self.certificate())]);
        signed.args(["-CAkey", &text(&self.file("key")), "-CAcreateserial", "-out", &text(&certificate)]);
        run(signed.args(["-extfile", &text(&extensions)])).unwrap();
        (certificate, key)
    }

    fn file(&self, end: &str) -> PathBuf {
        self.folder.join(format!("{}.{end}", self.name))
    }
}

/// Writes the seed of a new user into a file; its public key.
pub(super) fn nkey(file: &Path) -> String {
    let pair = KeyPair::new_user();
    fs::write(file, pair.seed().unwrap()).unwrap();
    pair.public_key()
}

/// An operator with one account, as a server is configured for them.
pub(super) struct Operator {
    own: KeyPair,
    account: KeyPair,
    system: KeyPair,
}

impl Operator {
    pub(super) fn new() -> Self {
        Self { own: KeyPair::new_operator(), account: KeyPair::new_account(), system: KeyPair::new_account() }
    }

    /// The server's configuration.
    pub(super) fn configuration(&self) -> String {
        let system = self.system.public_key();
        let operator = token(&self.own, &self.own, "cim", &json!({ "type": "operator", "system_account": system }));
        let limits = |disk: i64| {
            json!({
                "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
                "leaf": -1, "mem_storage": disk, "disk_storage": disk, "streams": disk, "consumer": disk
            })
        };
        let account = |pair: &KeyPair, name: &str, disk: i64| {
            let body =
                json!({ "type": "account", "limits": limits(disk), "default_permissions": { "pub": {}, "sub": {} } });
            format!("{}: {}", pair.public_key(), token(&self.own, pair, name, &body))
        };
        format!(
            "operator: {operator}\nsystem_account: {system}\nresolver: MEMORY\nresolver_preload {{ {}, {} }}",
            account(&self.account, "NIX", -1),
            account(&self.system, "SYS", 0)
        )
    }

    /// Writes a credentials file of a new user of the account.
    pub(super) fn credentials(&self, file: &Path) {
        let user = KeyPair::new_user();
        let body = json!({ "type": "user", "subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {} });
        let token = token(&self.account, &user, "ada", &body);
        let seed = user.seed().unwrap();
        let text = format!(
            "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        fs::write(file, text).unwrap();
    }
}

/// A JWT, as NATS signs them.
fn token(issuer: &KeyPair, subject: &KeyPair, name: &str, nats: &Value) -> String {
    let mut nats = nats.clone();
    nats["version"] = json!(2);
    let body = json!({
        "iat": 1_700_000_000, "iss": issuer.public_key(), "sub": subject.public_key(), "name": name, "jti": name, "nats": nats
    });
    let encode = |text: String| BASE64URL_NOPAD.encode(text.as_bytes());
    let head = encode(json!({ "typ": "JWT", "alg": "ed25519-nkey" }).to_string());
    let signed = format!("{head}.{}", encode(body.to_string()));
    let signature = BASE64URL_NOPAD.encode(&issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}
