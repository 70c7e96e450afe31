//! The canary: secrets planted wherever people leave them are nowhere in the ledger, its backup or its export.

use super::*;
use cim_domain_nix::app::edit::{self, Locking, Operation, Wanted, Writing};
use cim_domain_nix::store::backup::BackupOptions;

/// What is planted, each with a name; none of these texts may be found anywhere.
fn canaries() -> Vec<(&'static str, String)> {
    vec![
        ("password in a URL", "hunter2canary".into()),
        ("github classic", format!("ghp_{}", "Aa1Bb2Cc3Dd4Ee5Ff6Gg7Hh8Ii9Jj0Kk1Ll2")),
        (
            "github fine-grained",
            format!(
                "github_pat_{}",
                "11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"
            ),
        ),
        ("gitlab", "glpat-aBcDeFgHiJkLmNoPqRsT".into()),
        ("slack", format!("xoxb-{}", "123456789012-1234567890123-aBcDeFgHiJkLmNoPqRsTuVwX")),
        ("slack hook", "T0CANARY01/B0CANARY02/aBcDeFgHiJkLmNoPqRsTuVwX".into()),
        ("discord hook", "123456789012345678/cAnArYaBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789aBcDeFgHiJkLmNoPqRsTuVw".into()),
        ("telegram", format!("1234567890:{}", "AAcanaryBcDeFgHiJkLmNoPqRsTuVwXyZ-_")),
        ("aws", format!("AKIA{}", "IOSFODNN7CANARY1")),
        ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeS1jYW5hcnk".into()),
        ("age", format!("AGE-SECRET-KEY-1{}", "QQPQZGGZZQ2YNG2MNM9P9WYXJXQ2T3XKVUGHCANARYCANARYCANARYQQQQ")),
        ("npm", format!("npm_{}", "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789")),
        ("query token", "querytokencanary0123456789".into()),
        ("password in a host", "hostpasswordcanary0123".into()),
        ("password in an encoded URL", "encodedpasswordcanary0123".into()),
        ("personal access token", "patcanary0123456789".into()),
        ("setting", "settingtokencanary0123456789".into()),
    ]
}

fn plant(estate: &Estate) {
    let c = |name: &str| canaries().into_iter().find(|(known, _)| *known == name).expect("a canary").1;
    let git = estate.git("a");
    git.run(&[
        "remote",
        "add",
        "origin",
        &format!("https://me:{}@example.org/me/{}/p.git", c("password in a URL"), c("gitlab")),
    ]);
    let flake = format!(
        r#"{{
  description = "mine {github} {slack}";
  nixConfig.access-tokens = "github.com={setting}";
  nixConfig.extra-substituters = [ "https://me:{password}@cache.example.org?token={query}" ];
  inputs.a.url = "git+https://me:{password}@example.org/a?access_token={query}";
  inputs.b.url = "https://{fine}@example.org/b.tar.gz";
  inputs.c = {{ type = "git"; url = "https://oauth2:{gitlab}@gitlab.com/x/y"; }};
  inputs.d.url = "github:a/d?host={aws}.example.org";
  inputs.e.inputs.f.url = "git+https://x:{npm}@example.org/f";
  inputs.g.url = "https://hooks.slack.com/services/{slack_hook}";
  inputs.h.url = "https://discord.com/api/webhooks/{discord_hook}";
  inputs.i.url = "https://api.telegram.org/bot{telegram}/getFile";
  inputs.j.url = "github:o/r?host=u:{host}@gh.example.org";
  inputs.k = {{ type = "github"; owner = "o"; repo = "r"; host = "u:{host}@gh.example.org"; }};
  inputs.l.url = "https://example.org/t.tgz?u=https%3A%2F%2Fu%3A{encoded}%40example.org%2Fr";
  inputs.m.url = "https://example.org/t.tgz?pat={pat}";
  inputs.n.inputs.o = {{ type = "github"; owner = "o"; repo = "r"; host = "u:{host}@gh.example.org"; }};
  inputs."{github}".url = "github:o/r";
  inputs.p.inputs = {{ "{slack}".follows = "a/{gitlab}"; x.inputs."{jwt}".follows = "{github}/{slack}"; }};
  inputs.q.follows = "{github}";
  nixConfig."{aws}" = "x";
  outputs = {{ self, a, {npm}, ... }}: {{ lib."{jwt}" = "{age}"; }};
}}
"#,
        github = c("github classic"),
        slack = c("slack"),
        setting = c("setting"),
        password = c("password in a URL"),
        query = c("query token"),
        fine = c("github fine-grained"),
        gitlab = c("gitlab"),
        aws = c("aws"),
        npm = c("npm"),
        jwt = c("jwt"),
        age = c("age"),
        slack_hook = c("slack hook"),
        discord_hook = c("discord hook"),
        telegram = c("telegram"),
        host = c("password in a host"),
        encoded = c("password in an encoded URL"),
        pat = c("personal access token"),
    );
    estate.write("a/flake.nix", &flake);
    let lock = |rev: char| {
        format!(
            r#"{{"nodes":{{"a":{{"locked":{{"type":"git","url":"https://me:{}@example.org/a?private_token={}","rev":"{}"}},
            "original":{{"type":"git","url":"https://{}@example.org/a"}}}},
            "k":{{"locked":{{"type":"github","owner":"o","repo":"r","host":"u:{}@gh.example.org"}}}},
            "{npm}":{{"inputs":{{"{slack}":["a","{jwt}"]}},"locked":{{"type":"git","url":"https://example.org/n","rev":"{}"}},"parent":["{gitlab}"]}},
            "{age}":{{"inputs":{{"a":"a","{npm}":"{npm}"}}}}}},"root":"{age}","version":7}}"#,
            c("password in a URL"),
            c("query token"),
            rev.to_string().repeat(40),
            c("github classic"),
            c("password in a host"),
            rev.to_string().repeat(40),
            npm = c("npm"),
            slack = c("slack"),
            jwt = c("jwt"),
            gitlab = c("gitlab"),
            age = c("age"),
        )
    };
    estate.write("a/flake.lock", &lock('a'));
    git.commit_all(&format!("Use {}", c("github classic")));
    estate.write("a/flake.lock", &lock('b'));
    git.commit_all("Update");
    plant_beside_flakes(estate);
}

/// The same in what pins without a flake, and in a flake that is broken.
fn plant_beside_flakes(estate: &Estate) {
    let c = |name: &str| canaries().into_iter().find(|(known, _)| *known == name).expect("a canary").1;
    let pins = format!(
        r#"{{"pins": {{"a {github}": {{"type": "Git", "repository": {{"type": "GitLab", "repo_path": "x/y", "private_token": "{gitlab}",
        "server": "https://me:{password}@example.org"}}, "branch": "{slack}", "revision": "a", "hash": "0"}},
        "b": {{"type": "Tarball", "url": "https://me:{password}@example.org/a?access_token={query}", "hash": "0"}}}}, "version": 6}}"#,
        github = c("github classic"),
        gitlab = c("gitlab"),
        slack = c("slack"),
        password = c("password in a URL"),
        query = c("query token"),
    );
    estate.write("a/npins/sources.json", &pins);
    let niv = format!(
        r#"{{"b": {{"type": "git", "repo": "https://me:{}@example.org/b", "rev": "{}"}}}}"#,
        c("npm"),
        c("jwt")
    );
    estate.write("b/nix/sources.json", &niv);
    estate.write("b/.nix-channels", &format!("https://me:{}@example.org/c {}\n", c("password in a URL"), c("age")));
    estate.write(
        "b/flake.nix",
        &format!("{{ inputs.a.url = https://me:{}@x.org/{} ; outputs = ; }}", c("password in a URL"), c("aws")),
    );
}

/// The same in the names of options, users, packages, modules and machines.
fn plant_names(estate: &Estate) {
    let c = |name: &str| canaries().into_iter().find(|(known, _)| *known == name).expect("a canary").1;
    let names = format!(
        "{{ pkgs, ... }}: {{ imports = [ ./{gitlab}.nix ]; services.\"{github}\".\"{slack}\" = 1; users.users.\"{npm}\" = {{ }};
        services.\"{aws}\".enable = true; }}",
        github = c("github classic"),
        slack = c("slack"),
        npm = c("npm"),
        aws = c("aws"),
        gitlab = c("gitlab"),
    );
    estate.write("c/module.nix", &names);
    estate.write("c/overlay.nix", &format!("final: prev: {{ \"{}\" = 1; }}", c("jwt")));
    let host = format!(
        "{{ outputs = {{ nixpkgs, ... }}: {{ nixosConfigurations.\"{age}\" = nixpkgs.lib.nixosSystem {{
        system = \"{npm}\"; modules = [ ./module.nix ./{gitlab}.nix nixpkgs.\"{slack}\" ]; }}; }}; }}",
        age = c("age"),
        npm = c("npm"),
        gitlab = c("gitlab"),
        slack = c("slack"),
    );
    estate.write("c/flake.nix", &host);
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for (name, secret) in canaries() {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{what} holds the {name} canary");
    }
}

#[test]
fn no_planted_secret_is_in_the_ledger() {
    let estate = Estate::new();
    plant(&estate);
    plant_names(&estate);
    let request = ScanRequest { paths: vec![estate.root()], history: true, modules: true, ..ScanRequest::default() };
    let report = estate.scan_with(&request);
    for kind in ["module.discovered", "overlay.discovered", "config.discovered"] {
        assert!(estate.types().iter().any(|known| known == kind), "{kind}");
    }
    assert!(Estate::codes(&report).contains(&"secret"), "what was found is said: {report:?}");
    assert_clean("the report", format!("{report:?}").as_bytes());
    for event in estate.session.store.reader().expect("a reader").recorded(0, 10_000).expect("events") {
        assert_clean(&format!("event {}", event.position), event.payload.as_bytes());
    }
    edit_beside_secrets(&estate);
    let (database, copy) = (estate.database(), estate.database().with_extension("copy"));
    estate.session.store.backup(&copy, BackupOptions::default(), &mut |_, _| {}).expect("a backup");
    for path in [&database, &database.with_extension("db-wal"), &copy] {
        if let Ok(bytes) = fs::read(path) {
            assert_clean(&path.display().to_string(), &bytes);
        }
    }
}

/// An edit beside secrets, and one that takes a secret away.
fn edit_beside_secrets(estate: &Estate) {
    let follow = Operation::Follow { path: "a/nixpkgs".to_owned(), target: "b".to_owned() };
    let url = Operation::SetUrl { name: "b".to_owned(), url: "github:o/b".to_owned() };
    let scan = ScanRequest::default();
    for (operation, is_kept) in [(follow, true), (url, false)] {
        let draft = edit::draft(&estate.root().join("a"), "follow", &[operation]).expect("a plan");
        let writing = Writing { session: Some(&estate.session), scan: &scan, locking: Locking::Never, search: None };
        let done = edit::write(&draft, &writing).expect("it is written");
        assert!(done.command.is_some(), "{done:?}");
        assert_eq!(edit::undo(&estate.session, Wanted::Last(Path::new("/"))).is_ok(), is_kept);
    }
}
