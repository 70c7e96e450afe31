//! Tokens that say what they are by their first characters.

use super::Found;

/// A kind of token: what it begins with and what follows.
struct Shape {
    kind: &'static str,
    prefixes: &'static [&'static str],
    /// The bytes after the prefix.
    body: fn(u8) -> bool,
    /// Fewer bytes than this after the prefix are no token.
    least: usize,
    /// More are none either.
    most: usize,
}

const ANY: usize = usize::MAX;

const fn shape(kind: &'static str, prefixes: &'static [&'static str], body: fn(u8) -> bool, least: usize) -> Shape {
    Shape { kind, prefixes, body, least, most: ANY }
}

#[rustfmt::skip]
const SHAPES: &[Shape] = &[
    shape("github-token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"], word, 20),
    shape("gitlab-token", &["glpat-", "gldt-", "glrt-", "glptt-", "glft-", "glcbt-", "glsoat-", "glimt-", "glagent-", "gloas-", "glffct-", "GR1348941"], dotted, 20),
    shape("slack-token", &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxe-", "xoxc-", "xoxd-", "xapp-"], dashed, 10),
    Shape { kind: "aws-access-key", prefixes: &["AKIA", "ASIA", "ABIA", "ACCA"], body: upper, least: 16, most: 16 },
    shape("google-api-key", &["AIza"], dashed, 35),
    shape("google-oauth-token", &["ya29.", "GOCSPX-"], dashed, 20),
    shape("stripe-key", &["sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_"], word, 16),
    shape("npm-token", &["npm_"], alphanumeric, 30),
    shape("pypi-token", &["pypi-AgE"], dashed, 16),
    shape("age-secret-key", &["AGE-SECRET-KEY-1", "AGE-SECRET-KEY-PQ-1", "AGE-PLUGIN-"], dashed, 40),
    Shape { kind: "nkey-seed", prefixes: &["SU", "SA", "SO", "SN", "SC", "SX", "SV"], body: base32, least: 56, most: 56 },
    shape("anthropic-key", &["sk-ant-"], dashed, 20),
    shape("openai-key", &["sk-"], dashed, 20),
    shape("digitalocean-token", &["dop_v1_", "doo_v1_", "dor_v1_"], word, 32),
    shape("huggingface-token", &["hf_", "api_org_"], alphanumeric, 30),
    shape("docker-token", &["dckr_pat_", "dckr_oat_"], dashed, 20),
    shape("vault-token", &["hvs.", "hvb.", "hvr."], dashed, 20),
    shape("tailscale-key", &["tskey-"], dashed, 20),
    shape("sendgrid-key", &["SG."], dotted, 40),
    shape("grafana-token", &["glsa_", "glc_"], word, 32),
    shape("shopify-token", &["shpat_", "shpca_", "shppa_", "shpss_"], alphanumeric, 32),
    shape("atlassian-token", &["ATATT3", "ATCTT3", "ATBB"], dashed, 24),
    shape("sentry-token", &["sntrys_", "sntryu_"], dashed, 32),
    shape("linear-key", &["lin_api_"], alphanumeric, 32),
    shape("pulumi-token", &["pul-"], alphanumeric, 40),
    shape("doppler-token", &["dp.pt.", "dp.st.", "dp.ct."], dotted, 30),
];

/// Finds every token shape, JSON web tokens among them.
pub(super) fn tokens(text: &str, found: &mut Vec<Found>) {
    let bytes = text.as_bytes();
    let mut web_tokens = WebTokens { dead_until: 0 };
    let mut at = 0;
    while at < bytes.len() {
        if !begins_word(bytes, at) {
            at += 1;
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        if let Some(length) = hash(rest) {
            at += length;
        } else if let Some((length, kind)) = shaped(rest).or_else(|| web_tokens.at(bytes, at)) {
            found.push(Found { start: at, end: at + length, kind });
            at += length;
        } else {
            at += next_start(bytes, at);
        }
    }
}

/// How many of the leading bytes are of a class.
pub(super) fn run(bytes: &[u8], class: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !class(*byte)).unwrap_or(bytes.len())
}

pub(super) fn base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(super) fn dashed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn dotted(byte: u8) -> bool {
    dashed(byte) || byte == b'.'
}

fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn base32(byte: u8) -> bool {
    byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7')
}

/// A letter or digit after neither; after a percent code or an escape such as `\n` as well.
pub(super) fn begins_word(bytes: &[u8], at: usize) -> bool {
    let back = |distance: usize| at.checked_sub(distance).and_then(|at| bytes.get(at)).copied();
    bytes.get(at).is_some_and(u8::is_ascii_alphanumeric)
        && (!back(1).is_some_and(|byte| byte.is_ascii_alphanumeric())
            || back(2) == Some(b'\\')
            || (back(3) == Some(b'%') && [back(1), back(2)].iter().flatten().all(u8::is_ascii_hexdigit)))
}

/// How far it is from where a word begins to where the next may: within a word one begins only behind an escape.
fn next_start(bytes: &[u8], at: usize) -> usize {
    let escaped = at.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(|byte| matches!(byte, b'\\' | b'%'));
    if escaped { 1 } else { run(bytes.get(at..).unwrap_or_default(), alphanumeric).max(1) }
}

/// The length of a hash such as `sha256-…=`, which may begin with anything and is never a secret.
fn hash(rest: &[u8]) -> Option<usize> {
    const HASHES: [(&[u8], usize); 4] = [(b"sha256-", 43), (b"sha512-", 86), (b"sha1-", 27), (b"md5-", 22)];
    // Nearly every word of a text stops here.
    if !matches!(rest, [b's', b'h', ..] | [b'm', b'd', ..]) {
        return None;
    }
    let (prefix, length) = HASHES.into_iter().find(|(prefix, _)| rest.starts_with(prefix))?;
    let body = rest.get(prefix.len()..prefix.len() + length)?;
    (run(body, base64) == length).then_some(prefix.len() + length)
}

fn shaped(rest: &[u8]) -> Option<(usize, &'static str)> {
    let [first, second, ..] = rest else { return None };
    let mut candidates = STARTS[0][usize::from(*first)] & STARTS[1][usize::from(*second)];
    while candidates != 0 {
        let shape = SHAPES.get(candidates.trailing_zeros() as usize)?;
        candidates &= candidates - 1;
        if let Some(length) = shape.length(rest) {
            return Some((length, shape.kind));
        }
    }
    None
}

impl Shape {
    /// The length of the token that the bytes begin with.
    fn length(&self, rest: &[u8]) -> Option<usize> {
        let prefix = self.prefixes.iter().find(|prefix| rest.starts_with(prefix.as_bytes()))?;
        let body = rest.get(prefix.len()..).unwrap_or_default();
        // A bounded shape must end with a word: one letter more and it is something else.
        let bounded = self.most != ANY;
        let length = run(body.get(..self.most.saturating_add(1)).unwrap_or(body), self.body);
        let ends = !bounded || !body.get(length).is_some_and(|next| word(*next));
        (length >= self.least && length <= self.most && ends).then_some(prefix.len() + length)
    }
}

/// For the first two bytes of a word: a bit for every shape with a prefix that has this byte there.
const STARTS: [[u32; 256]; 2] = {
    let mut starts = [[0; 256]; 2];
    let mut shape = 0;
    while shape < SHAPES.len() {
        let mut prefix = 0;
        while prefix < SHAPES[shape].prefixes.len() {
            let bytes = SHAPES[shape].prefixes[prefix].as_bytes();
            starts[0][bytes[0] as usize] |= 1 << shape;
            starts[1][bytes[1] as usize] |= 1 << shape;
            prefix += 1;
        }
        shape += 1;
    }
    starts
};

/// `header.payload.signature`, each in URL base64, the header beginning as `{"` does.
struct WebTokens {
    /// Up to here no web token can begin: the first part was seen to be followed by nothing that fits.
    dead_until: usize,
}

impl WebTokens {
    fn at(&mut self, bytes: &[u8], start: usize) -> Option<(usize, &'static str)> {
        let part = |at: usize| run(bytes.get(at..).unwrap_or_default(), dashed);
        if start < self.dead_until || !bytes.get(start..).unwrap_or_default().starts_with(b"eyJ") {
            return None;
        }
        let header_end = start + part(start);
        self.dead_until = header_end;
        let payload = header_end + 1;
        let signature = payload + part(payload) + 1;
        let dots = [header_end, signature - 1].iter().all(|at| bytes.get(*at) == Some(&b'.'));
        let end = signature + part(signature);
        (dots && header_end - start >= 10 && signature - payload > 10).then_some((end - start, "web-token"))
    }
}
