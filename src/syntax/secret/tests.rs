//! Texts with and without secrets, of every known shape.

use super::*;
use proptest::prelude::*;
use serde_json::json;

const ALNUM: &str = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const REV: &str = "0123456789abcdef0123456789abcdef01234567";

/// Base64 of as many bytes as a key or hash has, 43 digits for 32 and 86 for 64.
fn digits(length: usize) -> String {
    "aB3+/cD4".chars().cycle().take(length).collect()
}

/// One secret of every shape, put together here so that no scanner takes this file for a leak.
fn shaped() -> Vec<(&'static str, String)> {
    let of = |kind, prefix: &str, body: &str| (kind, format!("{prefix}{body}"));
    let mut secrets = vec![
        of("github-token", "github_pat_", &ALNUM.repeat(2)[..82]),
        of("slack-token", "xoxb-", "1234567890-abcdefghij"),
        of("slack-token", "xoxp-", "1234567890-abcdefghij"),
        of("slack-token", "xapp-", "1-A012345-678-abcdef"),
        of("aws-access-key", "AKIA", &UPPER[..16]),
        of("aws-access-key", "ASIA", &UPPER[..16]),
        of("google-api-key", "AIza", &ALNUM[..35]),
        of("google-oauth-token", "ya29.", &ALNUM[..40]),
        of("stripe-key", "sk_live_", &ALNUM[..24]),
        of("npm-token", "npm_", &ALNUM[..36]),
        of("pypi-token", "pypi-AgE", &ALNUM[..40]),
        of("age-secret-key", "AGE-SECRET-KEY-1", &UPPER[..58]),
        of("anthropic-key", "sk-ant-", &ALNUM[..40]),
        of("openai-key", "sk-proj-", &ALNUM[..40]),
        of("openai-key", "sk-", &ALNUM[..48]),
        of("digitalocean-token", "dop_v1_", &REV.repeat(2)[..64]),
        of("huggingface-token", "hf_", &ALNUM[..34]),
        of("docker-token", "dckr_pat_", &ALNUM[..27]),
        of("vault-token", "hvs.", &ALNUM[..24]),
        of(
            "slack-webhook",
            "hooks.slack.com/services/",
            &format!("T0{}/B0{}/{}", &UPPER[..8], &UPPER[..8], &ALNUM[..24]),
        ),
        of(
            "slack-webhook",
            "hooks.slack.com/workflows/",
            &format!("T0{}/A0{}/123456789/x{}", &UPPER[..8], &UPPER[..8], &ALNUM[..20]),
        ),
        of("discord-webhook", "discord.com/api/webhooks/", &format!("123456789012345678/{}_-", &ALNUM.repeat(2)[..66])),
        of(
            "discord-webhook",
            "discordapp.com/api/v10/webhooks/",
            &format!("12345678901234567/{}", &ALNUM.repeat(2)[..68]),
        ),
        of("telegram-token", "123456789:AA", &ALNUM[..33]),
        of("telegram-token", "12345678:AA", &format!("{}_-", &ALNUM[..31])),
        of("web-token", "eyJhbGciOiJIUzI1NiJ9.", "eyJzdWIiOiJjYWNoaXgifQ.c2lnbmF0dXJlLXBhcnQ"),
    ];
    secrets.extend(["ghp_", "gho_", "ghu_", "ghs_", "ghr_"].map(|prefix| of("github-token", prefix, &ALNUM[..36])));
    secrets.extend(["glpat-", "gldt-", "glrt-", "glptt-"].map(|prefix| of("gitlab-token", prefix, &ALNUM[..20])));
    secrets.extend(["SU", "SA", "SO"].map(|prefix| of("nkey-seed", prefix, &UPPER[..56])));
    secrets
}

/// (kind, text, the secret in it) for secrets that are known by where they stand.
fn placed() -> Vec<(&'static str, String, String)> {
    let at = |kind, text: &str, secret: &str| (kind, text.replace('%', secret), secret.to_owned());
    let key = format!("{}==", digits(86));
    let pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\nAAAA\n-----END OPENSSH PRIVATE KEY-----";
    vec![
        at("slack-webhook", "curl https://hooks.slack.com/services/% -d x", &format!("T0AB/B0CD/{}", &ALNUM[..24])),
        at(
            "discord-webhook",
            "https://ptb.discord.com/api/webhooks/%?wait=true",
            &format!("123456789012345678/{}", &ALNUM[..50]),
        ),
        at("telegram-token", "https://api.telegram.org/bot%/sendMessage", &format!("1234567890:AA{}", &ALNUM[..33])),
        at("telegram-token", "a bot%/x", &format!("1234567890:AA{}", &ALNUM[..33])),
        at("url-credentials", "https://%@example.org/x.git", "hunter2"),
        at("url-credentials", "git+https://%@h/r?ref=main", "me:p@ss"),
        at("url-credentials", "ssh://%@host/r", "git:hunter2"),
        at("url-credentials", "clone of https://%@gitlab.com failed", "oauth2:abc"),
        at("url-credentials", "nats://%@h:4222", "s3cr3t"),
        at("secret-value", "https://h/x?token=%&ref=y", "abc"),
        at("secret-value", "https://h/x?ref=y&access_token=%", "abc"),
        at("secret-value", "https://h/x?private_token=%#f", "abc"),
        at("secret-value", "https://h/x?X-Amz-Signature=%&a=b", "0a1b"),
        at("secret-value", "https://h/x?a=b&X-Amz-Security-Token=%", "0a1b"),
        at("secret-value", "https://h/x?api_key=%", "abc"),
        at("secret-value", "https://h/x?apikey=%", "abc"),
        at("secret-value", "https://h/x?client_secret=%", "abc"),
        at("secret-value", "https://h/x?sig=%&sv=1", "abc"),
        at("secret-value", "https://h/x?password=%", "hunter,2;x"),
        at("secret-value", "https://h/x?pat=%&ref=y", "abc"),
        at("secret-value", "https://h/x?github_pat=%", "abc"),
        at("url-credentials", "github:o/r?host=%@gh.example.org", "u:hunter2"),
        at("url-credentials", "gitlab:o/r?ref=x&host=%@gl.example.org&dir=y", "hunter2"),
        at("url-credentials", "inputs.g = { type = \"github\"; host = \"%@h.example.org\"; };", "u:p@ss"),
        at("secret-value", "GITHUB_TOKEN=% nix build", "plain"),
        at("secret-value", "run --password=%", "hunter2"),
        at("secret-value", "dbPassword = \"%\";", "hunter 2 \\\" x"),
        at("secret-value", "{\"api_key\": \"%\"}", "abc"),
        at("secret-value", "{\\\"token\\\": \\\"%\\\", \\\"x\\\": 1}", "abc"),
        at("secret-value", "PRIVATE-TOKEN: %", "abc"),
        at("secret-value", "Authorization: %", "Bearer abc"),
        at("bearer-token", "sent Bearer % twice", &ALNUM[..20]),
        at("basic-credentials", "sent basic % twice", "dXNlcjpwYXNz"),
        at("netrc-password", "machine h\n  login me\n  password %\n", "hunter2"),
        at("netrc-password", "machine h password % login me", "hunter2"),
        at("netrc-password", "default login me password %", "hunter2"),
        at("nix-secret-key", "cache.example.org-1:%", &key),
        at("private-key", "before % after", pem),
        at("private-key", "cut off %", &pem[..60]),
    ]
}

#[test]
fn every_shape_is_found_wherever_it_stands() {
    for (kind, secret) in shaped() {
        for context in [
            "%",
            "see %, please",
            "\"%\"",
            "https://%@h/r",
            "https://oauth2:%@h/r",
            "https://h/x?q=%&r=1",
            "a=%;",
            "é%é",
            "(%)\n%",
            "github.com=%",
            "x\\n%",
            "a%3A%",
            "https://h/%/x",
            "- %",
        ] {
            // `a%3A%` has a percent code of its own.
            let text = context.replace("%3A", "\0").replace('%', &secret).replace('\0', "%3A");
            let clean = redact(&text);
            assert!(!clean.text.contains(&secret), "{text} {}", clean.text);
            assert!(clean.found.iter().all(|found| found.kind == kind), "{text} {:?}", clean.found);
            assert!(clean.text.contains(&format!("<redacted:{kind}>")));
            assert_eq!(redact(&clean.text), Redacted { text: clean.text.clone(), found: vec![] });
        }
    }
}

#[test]
fn every_placed_secret_is_found_and_nothing_around_it() {
    for (kind, text, secret) in placed() {
        let clean = redact(&text);
        assert_eq!(clean.text, text.replace(&secret, &format!("<redacted:{kind}>")), "{text}");
        assert_eq!(clean.found.len(), 1, "{text}");
        let Secret { kind: found, span } = clean.found[0];
        assert_eq!((found, &text[span.start..span.end]), (kind, secret.as_str()));
        assert_eq!(span.line as usize, 1 + text[..span.start].matches('\n').count());
        assert_eq!(redact(&clean.text), Redacted { text: clean.text.clone(), found: vec![] });
    }
}

/// Whatever a URL writes as a percent code, once or more often, is found as if it did not.
#[test]
fn what_is_percent_encoded_is_found() {
    for (text, clean) in [
        (
            "https://x/t.tgz?u=https%3A%2F%2Fu%3Ahunter2%40x%2Fr",
            "https://x/t.tgz?u=https%3A%2F%2F<url-credentials>%40x%2Fr",
        ),
        (
            "https://x/?u=https%253a%252f%252fu%253ahunter2%2540x",
            "https://x/?u=https%253a%252f%252f<url-credentials>%2540x",
        ),
        ("github:o/r?host=u%3Ahunter2%40gh.example&ref=a", "github:o/r?host=<url-credentials>%40gh.example&ref=a"),
        (
            "https://x/?u=https%3A%2F%2Fx%3Ftoken%3Dhunter2%26a%3Db",
            "https://x/?u=https%3A%2F%2Fx%3Ftoken%3D<secret-value>%26a%3Db",
        ),
        ("https://x/?u=h&%74oken=hunter2", "https://x/?u=h&%74oken=<secret-value>"),
    ] {
        let once = redact(text);
        assert_eq!(once.text, clean.replace('<', MARKER), "{text}");
        assert_eq!(once.found.len(), 1, "{text}");
        assert_eq!(redact(&once.text), Redacted { text: once.text.clone(), found: vec![] });
    }
}

#[test]
fn what_is_public_stays() {
    let public = [
        format!("sha256-{}=", digits(43)),
        format!("sha256-AKIA{}=", UPPER.chars().take(16).chain(digits(23).chars()).collect::<String>()),
        format!("sha512:{}==", digits(86)),
        format!("sha512-{}==", digits(86)),
        format!("cache.nixos.org-1:{}=", digits(43)),
        REV.to_owned(),
        format!("github:NixOS/nixpkgs/{REV}?narHash=sha256-{}%3D", ALNUM.repeat(2).get(..43).unwrap()),
        "ssh://git@github.com/o/r".to_owned(),
        "git+ssh://git@github.com:22/o/r?ref=main".to_owned(),
        "git@github.com:o/r.git".to_owned(),
        "file://@colmena@ git+file://@our_nix@/sub".to_owned(),
        "https://api.flakehub.com/f/pinned/NixOS/nixpkgs/0.2411.717196%2Brev-9b1/0196c1f3/source.tar.gz".to_owned(),
        "https://example.org/@scope/x?email=me@example.org".to_owned(),
        "github:o/secret-token?ref=v1:2&shallow=1".to_owned(),
        "github:o/r?host=gh.example.org&a=me@example.org github:o/r?host=git@gh.example.org host=me@h:22".to_owned(),
        "https://h/x?u=https%3A%2F%2Fh%3A443%2Fo%2Fr%3Fref%3Dmain&v=ssh%3A%2F%2Fgit%40h%2Fr".to_owned(),
        "https://h/x?pattern=a&path=b&dir=100%25 pat = 5; date +%H:%M@%S a%zz".to_owned(),
        "https://h/x?u=https%3A%2F%2F%3Credacted%3Aurl-credentials%3E%40h".to_owned(),
        "https://h/x?submodules=1&keytype=ssh-ed25519&publicKey=AAAA".to_owned(),
        "a password reset, a bearer of bad news, basic functionality".to_owned(),
        "unexpected token: found '='".to_owned(),
        "pubkey -----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----".to_owned(),
        "token = config.sops.token; passwordFile = \"/run/x\"; token=${x}; require-signature=true".to_owned(),
        "task-runner-with-a-long-name ask-me risk-free-name-of-a-thing".to_owned(),
        "hooks.slack.com/services/ hooks.slack.com/services/T0/B0/X https://api.slack.com/messaging/webhooks"
            .to_owned(),
        "https://hooks.slack.com/services/${team}/${bot}/${token} hooks.slack.com/help/a-long-page-about-hooks"
            .to_owned(),
        "https://discord.com/api/webhooks/123456789012345678 https://discord.com/developers/docs/resources/webhook"
            .to_owned(),
        format!("https://example.org/api/webhooks/123456789012345678/{}", &ALNUM[..50]),
        format!(
            "https://api.telegram.org/bot1234567:AA{0} 12345678:AA{0}x 12345678:AB{0} x12345678:AA{0}",
            &ALNUM[..33]
        ),
        "12345678:AA 20261124:AA-1 https://api.telegram.org/bot<token>/getMe".to_owned(),
        "SUPERCALIFRAGILISTIC AKIA eyJ.a.b ghp_ tokenizer=x".to_owned(),
        "a line\n\twith é and <redacted:github-token>".to_owned(),
    ];
    for text in public {
        assert_eq!(redact(&text), Redacted { text: text.clone(), found: vec![] });
    }
}

#[test]
fn settings_go_by_their_names() {
    for (name, value, expected) in [
        (
            "access-tokens",
            "github.com=abc gitlab.com=PAT:x",
            "github.com=<redacted:secret-setting> gitlab.com=<redacted:secret-setting>",
        ),
        ("extra-access-tokens", "abc", "<redacted:secret-setting>"),
        ("my-password", "a b", "<redacted:secret-setting>"),
        ("netrc", "machine x", "<redacted:secret-setting>"),
        ("apiSecret", "x=y", "<redacted:secret-setting>"),
        ("secret-key-files", "/etc/nix/key", "/etc/nix/key"),
        ("netrc-file", "/etc/nix/netrc", "/etc/nix/netrc"),
        ("require-signature", "true", "true"),
        (
            "trusted-public-keys",
            "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=",
            "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=",
        ),
        ("host", "u:pw@gh.example.org", "<redacted:url-credentials>@gh.example.org"),
        ("host", "tok@gh.example.org", "<redacted:url-credentials>@gh.example.org"),
        ("host", "gh.example.org", "gh.example.org"),
        ("substituters", "https://me:pw@cache/ https://b", "https://<redacted:url-credentials>@cache/ https://b"),
    ] {
        let clean = redact_setting(name, value);
        assert_eq!(clean.text, expected, "{name}");
        let again = redact_setting(name, &clean.text);
        assert_eq!((again.text, again.found), (clean.text, vec![]), "{name}");
    }
}

#[test]
fn attributes_are_cleaned_at_any_depth() {
    let attrs = json!({
        "url": "https://tok@h/r", "host": "u:pw@h", "rev": REV, "lastModified": 5, "password": 1234, "flag": true,
        "more": {"token": ["abc", null]}, (format!("ghp_{}", &ALNUM[..36])): "x",
    });
    let serde_json::Value::Object(attrs) = attrs else { unreachable!() };
    let (clean, found) = redact_attrs(&attrs);
    let expected = json!({
        "url": "https://<redacted:url-credentials>@h/r", "host": "<redacted:url-credentials>@h", "rev": REV, "lastModified": 5, "flag": true,
        "password": "<redacted:secret-setting>", "more": {"token": ["<redacted:secret-setting>", null]},
        "<redacted:github-token>": "x",
    });
    assert_eq!((serde_json::Value::Object(clean.clone()), found.len()), (expected, 5));
    assert_eq!(redact_attrs(&clean), (clean, vec![]));
}

/// Linear work takes a fraction of a second here, quadratic work many.
#[test]
fn time_is_linear_in_hostile_text() {
    for piece in [
        "token=",
        "token=\"",
        "eyJ",
        "eyJ-",
        "eyJ.",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "://",
        "a://b@",
        "&token=",
        ":",
        "=",
        "bearer ",
        "basic ",
        "password ",
        "sk-",
        "AKIA",
        "\\\"",
        "a=\\\"",
        "<redacted:",
        "S",
        "-",
        "sha256-",
        "token: ",
        "authorization: ",
        "SUA",
        "AGE-SECRET-KEY-1",
        "hooks.slack.com/services/T",
        "/services/T/",
        "discord.com/api/webhooks/1234567890123456/",
        "/webhooks/",
        "12345678:AA",
        "1",
        "%3A",
        "%25",
        "&host=",
        "?host=a@",
        "host=:@",
    ] {
        let text = piece.repeat(128_000 / piece.len());
        let started = std::time::Instant::now();
        drop(redact(&text));
        assert!(started.elapsed().as_secs() < 8, "{piece}");
    }
}

/// Pieces of secrets and of what stands around them.
fn like() -> impl Strategy<Value = String> {
    let mut pieces: Vec<String> = [
        "https://",
        "ssh://",
        "@",
        ":",
        "/",
        "?",
        "&",
        "=",
        "#",
        " ",
        "\n",
        "\"",
        "\\",
        "'",
        "<redacted:x>",
        "<redacted:",
        ">",
        "token",
        "password",
        "access_token=",
        "machine",
        "login",
        "Bearer ",
        "Basic ",
        "Authorization: ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "sha256-",
        "é",
        "eyJ",
        ".",
        "sk-",
        "abc",
        "%3D",
        "%3A",
        "%2F",
        "%40",
        "%25",
        "%3Credacted%3A",
        "host=",
        "?",
        "pat=",
        "$",
        "{",
        "true",
        ",",
        "==",
        "key: ",
        "bot",
        "12345678",
        "hooks.slack.com/services/",
        "discord.com/api/webhooks/",
    ]
    .map(str::to_owned)
    .to_vec();
    pieces.extend(shaped().into_iter().map(|(_, secret)| secret));
    pieces.push(digits(86));
    prop::collection::vec(prop::sample::select(pieces), 0..14).prop_map(|pieces| pieces.concat())
}

/// Pieces of names of secrets, and of what stands around them.
fn like_names() -> impl Strategy<Value = String> {
    let mut pieces = vec!["s", "-", "x", "izer", "s-", "-x"];
    pieces.extend(named::WORDS.into_iter().chain(named::NAMES).chain(named::ABOUT));
    prop::collection::vec(prop::sample::select(pieces), 0..5).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn twice_is_as_once(any in any::<String>(), like in like()) {
        for text in [any, like] {
            let once = redact(&text);
            prop_assert_eq!(once.text == text, once.found.is_empty());
            let twice = redact(&once.text);
            prop_assert_eq!((&twice.text, twice.found.len()), (&once.text, 0), "{}", text);
            let setting = redact_setting("access-tokens", &text).text;
            prop_assert_eq!(&redact_setting("access-tokens", &setting).text, &setting);
            let host = redact_setting("host", &text).text;
            prop_assert_eq!(&redact_setting("host", &host).text, &host);
        }
    }

    #[test]
    fn what_is_clean_is_left_as_it_is(names in prop::collection::vec(like_names(), 3), like in like()) {
        let attrs = json!({
            (names[0].clone()): like, (names[1].clone()): [like, 5], "access-tokens": like, "host": like,
            "more": { (names[2].clone()): 7, (like.clone()): true },
        });
        let serde_json::Value::Object(attrs) = attrs else { unreachable!() };
        let (clean, found) = redact_attrs(&attrs);
        prop_assert_eq!(are_clean(&attrs), found.is_empty());
        prop_assert!(!found.is_empty() || clean == attrs);
    }

    #[test]
    fn a_secret_word_counts_at_the_end_of_a_word(name in like_names()) {
        let ends = |word: &str| name.match_indices(word).any(|(at, _)| {
            let rest = &name[at + word.len()..];
            let rest = rest.strip_prefix('s').unwrap_or(rest);
            rest.is_empty() || rest.starts_with('-')
        });
        let about = named::ABOUT.contains(&name.rsplit('-').next().unwrap());
        let secret = !about && (named::NAMES.contains(&&*name) || named::WORDS.into_iter().any(ends));
        prop_assert_eq!(named::setting(&name) == named::Meaning::Secret, secret, "{}", name);
    }
}

#[test]
fn what_is_shown_keeps_its_places_and_what_is_cut_ends_in_no_piece_of_a_secret() {
    let token = format!("ghp_{}", &ALNUM[..36]);
    let text = format!("é = \"{token}\";\nb = 1;");
    assert_eq!(masked(&text), format!("é = \"{}\";\nb = 1;", "*".repeat(token.len())));
    assert!(matches!(masked("a = 1;"), std::borrow::Cow::Borrowed("a = 1;")));
    assert_eq!(cut(&text, 12), "é = \"<redact…");
    assert_eq!(cut(&token, token.len()), token, "what is whole is cleaned where it is written down");
    assert_eq!(cut("abcdef", 3), "abc…");
    assert_eq!(cut(&"é".repeat(2_000), 3), "ééé…");
}
