//! How fast `flake.lock` is read and every input resolved, against `nix-flake-lock` on the same texts in the same run.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use cim_domain_nix::syntax::{graph, lock, secret};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// The median real lock, the largest one seen, and one far beyond.
const NODES: [usize; 3] = [4, 133, 2000];

/// A lock file as Nix writes it: every node has a nixpkgs that follows the root's, every other one an input of its own.
fn lock_text(nodes: usize) -> String {
    let mut text = String::from("{\n  \"nodes\": {\n");
    for n in 0..nodes {
        let own = if n % 2 == 0 && n + 1 < nodes {
            format!(",\n        \"own\": \"input_{:04}\"", n + 1)
        } else {
            String::new()
        };
        let _ = write!(
            text,
            "    \"input_{n:04}\": {{\n      \"inputs\": {{\n        \"nixpkgs\": [\n          \"i0000\"\n        ]{own}\n      }},\n      \
             \"locked\": {{\n        \"lastModified\": {},\n        \"narHash\": \"sha256-{n:043}=\",\n        \"owner\": \
             \"owner{n}\",\n        \"repo\": \"repo{n}\",\n        \"rev\": \"{n:040x}\",\n        \"type\": \"github\"\n      }},\n      \
             \"original\": {{\n        \"owner\": \"owner{n}\",\n        \"repo\": \"repo{n}\",\n        \"type\": \"github\"\n      \
             }}\n    }},\n",
            1_700_000_000 + n
        );
    }
    text.push_str("    \"root\": {\n      \"inputs\": {\n");
    let direct =
        (0..nodes).filter(|n| n % 2 == 0).map(|n| format!("        \"i{n:04}\": \"input_{n:04}\"")).collect::<Vec<_>>();
    let _ =
        write!(text, "{}\n      }}\n    }}\n  }},\n  \"root\": \"root\",\n  \"version\": 7\n}}\n", direct.join(",\n"));
    text
}

fn ours(text: &str, paths: &[[String; 2]]) -> usize {
    let file = lock::read(text);
    paths.iter().filter(|[input, nested]| graph::resolve(&file, &[input, nested]).is_ok()).count()
}

fn theirs(text: &str, paths: &[[String; 2]]) -> usize {
    let Ok(file) = nix_flake_lock::LockFile::parse(text.as_bytes()) else { return 0 };
    let sound = file.validate().is_ok();
    let found = |path: &&[String; 2]| sound && matches!(file.resolve(path.iter().map(String::as_str)), Ok(Some(_)));
    paths.iter().filter(found).count()
}

fn read_and_resolve(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lock");
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    for nodes in NODES {
        let text = lock_text(nodes);
        let direct = (0..nodes).filter(|n| n % 2 == 0).map(|n| format!("i{n:04}"));
        let paths: Vec<_> = direct.map(|input| [input, "nixpkgs".to_owned()]).collect();
        assert_eq!((ours(&text, &paths), theirs(&text, &paths)), (paths.len(), paths.len()), "a path was not resolved");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("cim-nix read + resolve", nodes), |bencher| {
            bencher.iter(|| ours(black_box(&text), &paths));
        });
        group.bench_function(BenchmarkId::new("nix-flake-lock parse + validate + resolve", nodes), |bencher| {
            bencher.iter(|| theirs(black_box(&text), &paths));
        });
        let file = lock::read(&text);
        group.bench_function(BenchmarkId::new("cim-nix paths + duplicates + health", nodes), |bencher| {
            bencher.iter(|| (graph::paths(&file).len(), graph::duplicates(&file).len(), graph::health(&file).len()));
        });
        group.bench_function(BenchmarkId::new("cim-nix redact", nodes), |bencher| {
            bencher.iter(|| secret::redact(black_box(&text)).found.len());
        });
    }
    group.finish();
}

criterion_group!(benches, read_and_resolve);
criterion_main!(benches);
