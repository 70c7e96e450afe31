//! Traces: a build that can send them sends each scan with its conversation, one that cannot says so.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test makes its own world")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::thread;

/// Runs the program in a home of its own, with a collector named.
fn program(home: &std::path::Path, endpoint: &str, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cim-nix"));
    command.args(words).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin");
    command.env("CIM_NIX_OTLP_ENDPOINT", endpoint).output().unwrap()
}

/// A collector that takes one message and says that it has it.
fn collector() -> (String, thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let heard = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut message, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let length = stream.read(&mut buffer).unwrap();
            message.extend_from_slice(&buffer[..length]);
            let text = String::from_utf8_lossy(&message).into_owned();
            let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
            let size =
                head.to_lowercase().split_once("content-length: ").unwrap().1.split("\r\n").next().unwrap().to_owned();
            let begin = message.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
            if message.len() - begin >= size.parse::<usize>().unwrap() {
                break;
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        message
    });
    (endpoint, heard)
}

#[test]
fn traces_go_to_the_collector_that_is_named() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::create_dir(home.path().join("src")).unwrap();
    std::fs::write(home.path().join("src/flake.nix"), "{ outputs = _: { }; }").unwrap();
    let source = home.path().join("src");
    let scan = ["scan", source.to_str().unwrap()];
    if !cfg!(feature = "otlp") {
        let refused = program(home.path(), "http://127.0.0.1:4318", &scan);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(3) && said.contains("built without `otlp`"), "{said}");
        return;
    }
    let (endpoint, heard) = collector();
    let done = program(home.path(), &endpoint, &scan);
    assert!(done.status.success(), "{done:?}");
    let asked = ["sql", "--format", "plain", "select distinct correlation_id from v1_events"];
    // Nobody listens there any more: the program waits for nobody, and its answer is the same.
    let answer = program(home.path(), &endpoint, &asked);
    let correlation = String::from_utf8(answer.stdout).unwrap().trim().to_owned();
    assert!(answer.status.success() && correlation.len() == 36, "{correlation}");
    let message = heard.join().unwrap();
    let holds = |words: &str| message.windows(words.len()).any(|part| part == words.as_bytes());
    for words in
        ["POST /v1/traces HTTP/1.1", "application/x-protobuf", "cim-nix", "scan", "correlation_id", &correlation]
    {
        assert!(holds(words), "no {words} in {}", String::from_utf8_lossy(&message));
    }
    let refused = program(home.path(), "https://collector.example", &asked);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
}
