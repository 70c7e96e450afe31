//! Being let in: every way that servers know, alone and together, and what is told when the door stays shut.

use std::fs;
use std::time::Duration;

use cim_domain_nix::app::sync::Place;
use cim_domain_nix::bus::{Layout, Target};

use super::keys::{Authority, Operator, nkey};
use super::machine::{Machine, target};
use super::refused::assert_blocked;
use crate::nats::{Server, free_port};

fn at(server: &Server, change: impl FnOnce(&mut Target)) -> Machine {
    let mut place = Place { target: target(&server.url()), layout: Layout::default() };
    place.target.patience = Duration::from_secs(3);
    change(&mut place.target);
    let machine = Machine::at("ada", &place);
    machine.discover(1);
    machine
}

fn assert_let_in(server: &Server, change: impl FnOnce(&mut Target)) {
    let outcome = at(server, change).sync();
    assert!(outcome.synced && outcome.sent == 1, "{outcome:?}\n{}", server.said());
}

fn assert_kept_out(server: &Server, change: impl FnOnce(&mut Target)) {
    let outcome = at(server, change).sync();
    assert_blocked(&outcome, "unauthorized", "refuses these credentials");
    let said = format!("{outcome:?}");
    assert!(!said.contains("canary"), "{said}");
}

/// At a server with which there is no TLS: told by that name, and what to look after.
fn assert_without_tls(server: &Server, words: &str, change: impl FnOnce(&mut Target)) {
    let outcome = at(server, change).sync();
    assert_blocked(&outcome, "tls", "no TLS with ");
    assert_blocked(&outcome, "tls", words);
}

/// Where no server listens.
const NOBODY: &str = "nats://127.0.0.1:1";

/// At a server that does not speak with us at all: no reason can be told, but what was seen is.
fn assert_unreachable(server: &Server, words: &str, change: impl FnOnce(&mut Target)) {
    let outcome = at(server, change).sync();
    let error = outcome.status.last_error.clone().unwrap_or_default();
    assert_eq!(outcome.status.state, "backoff", "{outcome:?}");
    assert!(error.contains("no server answers at") && error.contains(words), "{error}");
}

#[test]
fn a_user_with_a_password_is_let_in_and_nobody_else() {
    let server = Server::with("authorization { user: ada, password: \"canary-right\" }");
    let user = |password: &str| {
        let password = password.to_owned();
        move |target: &mut Target| (target.user, target.password) = (Some("ada".to_owned()), Some(password))
    };
    assert_let_in(&server, user("canary-right"));
    assert_let_in(&server, |target| target.servers = vec![server.url().replace("://", "://ada:canary-right@")]);
    assert_kept_out(&server, user("canary-wrong"));
    assert_kept_out(&server, |target| target.servers = vec![server.url().replace("://", "://ada:canary-wrong@")]);
    assert_kept_out(&server, |_| {});
}

#[test]
fn a_token_is_let_in_and_no_other() {
    let server = Server::with("authorization { token: \"canary-right\" }");
    assert_let_in(&server, |target| target.token = Some("canary-right".to_owned()));
    assert_kept_out(&server, |target| target.token = Some("canary-wrong".to_owned()));
}

#[test]
fn an_nkey_is_let_in_and_no_other() {
    let mut server = Server::stopped("");
    let (right, wrong) = (server.folder().join("right.nk"), server.folder().join("wrong.nk"));
    let public = nkey(&right);
    nkey(&wrong);
    server.configure(&format!("authorization {{ users: [ {{ nkey: {public} }} ] }}"));
    server.up();
    assert_let_in(&server, |target| target.nkey = Some(right));
    assert_kept_out(&server, |target| target.nkey = Some(wrong));
    // No seed at all, and no file at all.
    for (name, text, why) in [
        ("garbage.nk", Some("canary"), "it holds no seed of an NKey"),
        ("empty.nk", Some("\n"), "it is empty"),
        ("creds.nk", Some("-----BEGIN NATS USER JWT-----\ncanary"), "it is a credentials file"),
        ("missing.nk", None, ""),
    ] {
        let file = server.folder().join(name);
        if let Some(text) = text {
            fs::write(&file, text).unwrap();
        }
        let outcome = at(&server, |target| target.nkey = Some(file)).sync();
        assert_blocked(&outcome, "setting", &format!("{name} cannot be used: {why}"));
        assert!(!format!("{outcome:?}").contains("canary"), "{outcome:?}");
    }
}

#[test]
fn a_credentials_file_is_let_in_and_no_other() {
    let mut server = Server::stopped("");
    let (right, wrong) = (server.folder().join("right.creds"), server.folder().join("wrong.creds"));
    let operator = Operator::new();
    operator.credentials(&right);
    Operator::new().credentials(&wrong);
    server.configure(&operator.configuration());
    server.up();
    assert_let_in(&server, |target| target.credentials = Some(right));
    assert_kept_out(&server, |target| target.credentials = Some(wrong));
    let garbage = server.folder().join("garbage.creds");
    fs::write(&garbage, "canary").unwrap();
    let outcome = at(&server, |target| target.credentials = Some(garbage)).sync();
    assert_blocked(&outcome, "setting", "garbage.creds cannot be used");
}

#[test]
fn one_that_lets_us_in_is_found_beside_one_that_does_not() {
    let mut closed = Server::stopped("");
    closed.configure("authorization { token: other }");
    closed.up();
    let open = Server::start();
    // By chance, the client tries either first.
    for _ in 0..6 {
        let machine = at(&open, |target| target.servers.insert(0, closed.url()));
        machine.synced();
    }
}

#[test]
fn an_address_without_a_host_is_none() {
    let server = Server::start();
    for address in ["nats://", "nats:///", "tls://", "nats://:4222", "nats://ada:canary@"] {
        let outcome = at(&server, |target| target.servers = vec![server.url(), address.to_owned()]).sync();
        assert_blocked(&outcome, "setting", "cannot be used: ");
        let said = format!("{outcome:?}");
        assert!(!said.contains("canary"), "{said}");
    }
}

#[test]
fn tls_needs_an_authority_that_is_trusted() {
    let mut server = Server::stopped("");
    let folder = server.folder().to_owned();
    let (good, other) = (Authority::new(&folder, "good"), Authority::new(&folder, "other"));
    let (certificate, key) = good.issue("server");
    server.configure(&format!("tls {{ cert_file: {}, key_file: {} }}", certificate.display(), key.display()));
    server.up();
    assert_let_in(&server, |target| target.tls_authorities = Some(good.certificate()));
    let tls = server.url().replace("nats://", "tls://");
    assert_let_in(&server, |target| {
        target.servers = vec![tls];
        target.tls_authorities = Some(good.certificate());
    });
    assert_without_tls(&server, "UnknownIssuer", |target| target.tls_authorities = Some(other.certificate()));
    assert_without_tls(&server, "UnknownIssuer", |_| {});
    // Beside one that is not there, in whatever order they are tried.
    for _ in 0..4 {
        assert_without_tls(&server, "UnknownIssuer", |target| {
            target.servers.insert(0, NOBODY.to_owned());
            target.tls_authorities = Some(other.certificate());
        });
    }
    assert_let_in(&server, |target| {
        target.servers.insert(0, NOBODY.to_owned());
        target.tls_authorities = Some(good.certificate());
    });
    // A server that does not speak it.
    let plain = Server::start();
    let words = "the server does not speak TLS";
    assert_without_tls(&plain, words, |target| target.servers = vec![plain.url().replace("nats://", "tls://")]);
}

#[test]
fn files_of_tls_that_hold_nothing_of_the_kind_are_named() {
    let server = Server::start();
    let folder = server.folder().to_owned();
    let (certificate, key) = Authority::new(&folder, "good").issue("ada");
    let (empty, garbage) = (folder.join("empty.pem"), folder.join("garbage.pem"));
    fs::write(&empty, "").unwrap();
    fs::write(&garbage, "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n").unwrap();
    for (authorities, words) in [
        (&empty, "empty.pem cannot be used: it holds no certificate"),
        (&garbage, "garbage.pem cannot be used: a certificate"),
    ] {
        let outcome = at(&server, |target| target.tls_authorities = Some(authorities.clone())).sync();
        assert_blocked(&outcome, "setting", words);
    }
    for (certificate, key, words) in [
        (&certificate, &empty, "empty.pem cannot be used: it holds no private key"),
        (&certificate, &certificate, "cannot be used: it holds no private key"),
        (&empty, &key, "empty.pem cannot be used: it holds no certificate"),
    ] {
        let files = (Some(certificate.clone()), Some(key.clone()));
        let outcome = at(&server, |target| (target.tls_certificate, target.tls_key) = files).sync();
        assert_blocked(&outcome, "setting", words);
    }
}

#[test]
fn mutual_tls_goes_together_with_a_password_and_with_an_nkey() {
    let mut server = Server::stopped("");
    let folder = server.folder().to_owned();
    let authority = Authority::new(&folder, "good");
    let (certificate, key) = authority.issue("server");
    let (own, own_key) = authority.issue("ada");
    let public = nkey(&folder.join("ada.nk"));
    server.configure(&format!(
        "tls {{ cert_file: {}, key_file: {}, ca_file: {}, verify: true }}\n\
         authorization {{ users: [ {{ user: ada, password: canary-right }}, {{ nkey: {public} }} ] }}",
        certificate.display(),
        key.display(),
        authority.certificate().display()
    ));
    server.up();
    let tls = |target: &mut Target| {
        target.tls_authorities = Some(authority.certificate());
        (target.tls_certificate, target.tls_key) = (Some(own.clone()), Some(own_key.clone()));
    };
    let password = |target: &mut Target, password: &str| {
        (target.user, target.password) = (Some("ada".to_owned()), Some(password.to_owned()));
    };
    assert_let_in(&server, |target| {
        tls(target);
        password(target, "canary-right");
    });
    assert_let_in(&server, |target| {
        tls(target);
        target.nkey = Some(folder.join("ada.nk"));
    });
    assert_kept_out(&server, |target| {
        tls(target);
        password(target, "canary-wrong");
    });
    assert_without_tls(&server, "CertificateRequired", |target| {
        target.tls_authorities = Some(authority.certificate());
        password(target, "canary-right");
    });
    let stranger = Authority::new(&folder, "stranger");
    let (strange, strange_key) = stranger.issue("mallory");
    assert_without_tls(&server, "UnknownCA", |target| {
        target.tls_authorities = Some(authority.certificate());
        (target.tls_certificate, target.tls_key) = (Some(strange), Some(strange_key.clone()));
        password(target, "canary-right");
    });
    // The key to another certificate, and one of the two alone.
    assert_without_tls(&server, "certificate or key", |target| {
        tls(target);
        target.tls_key = Some(strange_key);
    });
    for (alone, words) in
        [(true, "`sync.tls.key` (`NATS_KEY`) names no key"), (false, "`sync.tls.certificate` (`NATS_CERT`)")]
    {
        let outcome = at(&server, |target| {
            tls(target);
            if alone { target.tls_key = None } else { target.tls_certificate = None }
        });
        assert_blocked(&outcome.sync(), "setting", words);
    }
}

#[test]
fn tls_can_come_before_the_server_says_a_word() {
    let mut server = Server::stopped("");
    let folder = server.folder().to_owned();
    let authority = Authority::new(&folder, "good");
    let (certificate, key) = authority.issue("server");
    server.configure(&format!(
        "tls {{ cert_file: {}, key_file: {}, handshake_first: true }}",
        certificate.display(),
        key.display()
    ));
    server.up();
    assert_let_in(&server, |target| {
        target.tls_authorities = Some(authority.certificate());
        target.tls_first = true;
    });
    assert_unreachable(&server, "", |target| {
        target.tls_authorities = Some(authority.certificate());
        target.patience = Duration::from_millis(500);
    });
}

#[test]
fn websockets_carry_it_too() {
    let port = free_port();
    let server = Server::with(&format!("websocket {{ listen: \"127.0.0.1:{port}\", no_tls: true }}"));
    let other = |target: &mut Target| target.servers = vec![format!("ws://127.0.0.1:{port}")];
    assert_let_in(&server, other);
}

#[test]
fn who_is_no_longer_let_in_after_a_restart_is_told_so() {
    let mut server = Server::with("authorization { token: first }");
    let ada = at(&server, |target| target.token = Some("first".to_owned()));
    let running = ada.start();
    ada.until("live", |report| report.remote.status.state == "live");
    server.down();
    server.configure("authorization { token: second }");
    server.up();
    ada.until("blocked", |report| report.remote.status.reason.as_deref() == Some("unauthorized"));
    ada.discover(2);
    running.stop();
}

#[test]
fn credentials_that_are_corrected_are_used_by_the_next_attempt() {
    let mut server = Server::stopped("");
    let (seed, other) = (server.folder().join("ada.nk"), server.folder().join("right.nk"));
    let right = nkey(&other);
    let wrong = nkey(&seed);
    server.configure(&format!("authorization {{ users: [ {{ nkey: {wrong} }} ] }}"));
    server.up();
    let ada = at(&server, |target| target.nkey = Some(seed.clone()));
    let running = ada.start();
    ada.until("live", |report| report.remote.status.state == "live");
    server.reload(&format!("authorization {{ users: [ {{ nkey: {right} }} ] }}"));
    ada.until("blocked", |report| report.remote.status.reason.as_deref() == Some("unauthorized"));
    fs::copy(&other, &seed).unwrap();
    // Whoever asks does not wait for the minute to pass, and is told when it was tried.
    let asked = ada.session.clock.now();
    ada.session.store.ask_whether_synced(asked).unwrap();
    ada.until("live again", |report| report.remote.status.state == "live" && report.remote.synced_at >= Some(asked));
    running.stop();
}

#[test]
fn no_secret_is_in_anything_that_the_program_writes() {
    let mut server = Server::stopped("");
    let folder = server.folder().to_owned();
    let seed = folder.join("ada.nk");
    let public = nkey(&seed);
    server.configure(&format!(
        "authorization {{ users: [ {{ user: ada, password: canary-right }}, {{ nkey: {public} }} ] }}"
    ));
    server.up();
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut written = String::new();
    let mut secrets = vec![fs::read_to_string(&seed).unwrap()];
    let with = |password: &str| server.url().replace("://", &format!("://ada:{password}@"));
    let ways: [&[(&str, String)]; 5] = [
        &[("NATS_URL", with("canary-right"))],
        &[("NATS_URL", with("canary-wrong"))],
        &[("NATS_URL", server.url()), ("NATS_USER", "ada".into()), ("NATS_PASSWORD", "canary-right".into())],
        &[("NATS_URL", server.url()), ("NATS_TOKEN", "canary-token".into())],
        &[("NATS_URL", server.url()), ("NATS_NKEY", seed.display().to_string())],
    ];
    for way in ways {
        for arguments in
            ["sync enable --all", "sync now", "sync status --json", "sync setup", "sync verify", "settings", "doctor"]
        {
            let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_cim-nix"));
            program.args(arguments.split(' ')).env_clear().env("HOME", home.path()).env("CIM_NIX_LOG", "trace");
            program.envs(way.iter().map(|(name, value)| (*name, value.as_str()))).env("PATH", "/usr/bin:/bin");
            let output = program.output().unwrap();
            written += &String::from_utf8_lossy(&output.stdout);
            written += &String::from_utf8_lossy(&output.stderr);
        }
    }
    let logged = files(home.path());
    assert!(logged.contains("async_nats") && written.contains("refuses these credentials"), "{written}");
    secrets.push("canary".to_owned());
    for secret in secrets {
        for text in [&written, &logged] {
            let line = text.lines().find(|line| line.contains(&secret));
            assert_eq!(line, None, "{secret}");
        }
    }
}

/// Everything in every file below a folder, the ledger's own among them.
fn files(folder: &std::path::Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        text +=
            &if path.is_dir() { files(&path) } else { String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned() };
    }
    text
}
