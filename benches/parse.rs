//! How fast `flake.nix` is read, against the bare parse of `rnix` on the same texts.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use cim_domain_nix::syntax::{flake, tree};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const FIXTURES: &[&str] = &[
    include_str!("../tests/fixtures/flakes/flake-parts/flake.nix"),
    include_str!("../tests/fixtures/flakes/flake-utils/flake.nix"),
    include_str!("../tests/fixtures/flakes/follows/flake.nix"),
    include_str!("../tests/fixtures/flakes/for-all-systems/flake.nix"),
    include_str!("../tests/fixtures/flakes/home-manager/flake.nix"),
    include_str!("../tests/fixtures/flakes/nixos/flake.nix"),
];

/// A flake of a fleet: many inputs, many machines with their modules written inline.
fn fleet(machines: usize) -> String {
    let mut text = String::from("{\n  description = \"A fleet\";\n");
    for n in 0..machines {
        let _ = writeln!(
            text,
            "  inputs.part{n} = {{ url = \"github:example/part{n}\"; inputs.nixpkgs.follows = \"nixpkgs\"; }};"
        );
    }
    text.push_str("  outputs = { self, nixpkgs, ... }@inputs: {\n");
    for n in 0..machines {
        let _ = writeln!(
            text,
            "    nixosConfigurations.host{n} = nixpkgs.lib.nixosSystem {{\n      system = \"x86_64-linux\";\n      modules = \
             [ ({{ pkgs, ... }}: {{ networking.hostName = \"host{n}\"; environment.systemPackages = with pkgs; [ git vim ]; }}) \
             ];\n    }};"
        );
    }
    text.push_str("  };\n}\n");
    text
}

fn parse(criterion: &mut Criterion) {
    let texts = [("fixtures", FIXTURES.concat().len(), FIXTURES.iter().map(|text| (*text).to_owned()).collect())]
        .into_iter()
        .chain([1000].map(|machines| {
            let text = fleet(machines);
            ("fleet", text.len(), vec![text])
        }));
    for (name, bytes, texts) in texts {
        let texts: Vec<String> = texts;
        let mut group = criterion.benchmark_group(format!("parse/{name}"));
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function("rnix", |bench| {
            bench.iter(|| texts.iter().map(|text| rnix::Root::parse(black_box(text)).errors().len()).sum::<usize>());
        });
        group.bench_function("tree", |bench| {
            bench.iter(|| texts.iter().map(|text| tree::parse(black_box(text)).problems.len()).sum::<usize>());
        });
        group.bench_function("flake", |bench| {
            bench.iter(|| texts.iter().map(|text| flake::read(black_box(text)).inputs.len()).sum::<usize>());
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).sample_size(20);
    targets = parse
}
criterion_main!(benches);
