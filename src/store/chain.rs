//! The hash chains: every event is tied to all before it, so that no one can change the past unnoticed.
//!
//! The layout below is for ever: a golden test holds it. All numbers are little-endian, every field of variable
//! length is preceded by its length in bytes as u64.
//!
//! ```text
//! content = BLAKE3(payload bytes as stored)
//! link    = BLAKE3 in key derivation mode, context = LOCAL or SHARED, over
//!           previous link (32 bytes, zero before the first) ‖ event id (16)
//!           ‖ len ‖ origin's public key ‖ len ‖ stream ‖ version u64 ‖ len ‖ type ‖ schema version u32
//!           ‖ occurred at i64 ‖ recorded at i64 ‖ correlation id (16) ‖ causation id (16) ‖ len ‖ actor
//!           ‖ 0, or 1 ‖ undone command id (16) ‖ content (32)
//! ```
//!
//! The content id stands for the payload, so erasing a payload breaks no chain.

use std::sync::LazyLock;

use blake3::hazmat::{ContextKey, HasherExt as _, hash_derive_key_context};
use data_encoding::BASE32_NOPAD;
use uuid::Uuid;

use super::log::claim;

/// A BLAKE3-256 hash.
pub type Hash = [u8; 32];

/// What comes before the first link.
pub const GENESIS: Hash = [0; 32];

/// Which chain a link belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// Every event of this database, in order of position.
    Local,
    /// What one origin has shared, in order of its sequence.
    Shared,
}

impl Chain {
    /// The key of the chain: the hash of its context, made once, as a link is short and this is half of its price.
    fn key(self) -> &'static ContextKey {
        static LOCAL: LazyLock<ContextKey> =
            LazyLock::new(|| hash_derive_key_context("cim-nix 2026-11-24 local chain v1"));
        static SHARED: LazyLock<ContextKey> =
            LazyLock::new(|| hash_derive_key_context("cim-nix 2026-11-24 shared chain v1"));
        match self {
            Self::Local => &LOCAL,
            Self::Shared => &SHARED,
        }
    }
}

/// What is hashed of one event.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The event.
    pub event_id: Uuid,
    /// The public key of its origin.
    pub origin: &'a str,
    /// Its stream.
    pub stream: &'a str,
    /// Its place in the stream, from 1.
    pub version: u64,
    /// Its type.
    pub kind: &'a str,
    /// The version of its payload's shape.
    pub schema_version: u32,
    /// When it happened, in microseconds since 1970 UTC.
    pub occurred_at: i64,
    /// When it was recorded, likewise.
    pub recorded_at: i64,
    /// The conversation.
    pub correlation_id: Uuid,
    /// The command.
    pub causation_id: Uuid,
    /// Who.
    pub actor: &'a str,
    /// The command that it undoes.
    pub undoes: Option<Uuid>,
    /// The content id of its payload.
    pub content: &'a Hash,
}

/// The content id of a payload.
pub fn content(payload: impl AsRef<[u8]>) -> Hash {
    blake3::hash(payload.as_ref()).into()
}

/// The link that ties an event to the link before it.
pub fn link(chain: Chain, previous: &Hash, envelope: &Envelope<'_>) -> Hash {
    let mut hasher = blake3::Hasher::new_from_context_key(chain.key());
    let mut bytes = Vec::with_capacity(512);
    bytes.extend_from_slice(previous);
    bytes.extend_from_slice(envelope.event_id.as_bytes());
    text(&mut bytes, envelope.origin);
    text(&mut bytes, claim::told(envelope.stream));
    bytes.extend_from_slice(&envelope.version.to_le_bytes());
    text(&mut bytes, envelope.kind);
    bytes.extend_from_slice(&envelope.schema_version.to_le_bytes());
    bytes.extend_from_slice(&envelope.occurred_at.to_le_bytes());
    bytes.extend_from_slice(&envelope.recorded_at.to_le_bytes());
    bytes.extend_from_slice(envelope.correlation_id.as_bytes());
    bytes.extend_from_slice(envelope.causation_id.as_bytes());
    text(&mut bytes, envelope.actor);
    match envelope.undoes {
        None => bytes.push(0),
        Some(command) => {
            bytes.push(1);
            bytes.extend_from_slice(command.as_bytes());
        }
    }
    bytes.extend_from_slice(envelope.content);
    hasher.update(&bytes);
    hasher.finalize().into()
}

/// What an origin signs for the end of its shared chain.
///
/// ```text
/// "cim-nix 2026-11-28 signed head v1" ‖ len ‖ origin's public key ‖ seq u64 ‖ link (32)
/// ```
pub fn signed_head(origin: &str, seq: i64, link: &Hash) -> Vec<u8> {
    let mut bytes = b"cim-nix 2026-11-28 signed head v1".to_vec();
    text(&mut bytes, origin);
    bytes.extend_from_slice(&seq.to_le_bytes());
    bytes.extend_from_slice(link);
    bytes
}

/// What an origin signs to say that it erased the payload of an event.
///
/// ```text
/// "cim-nix 2026-11-30 erasure v1" ‖ len ‖ origin's public key ‖ event id (16) ‖ content (32)
/// ```
pub fn erasure(origin: &str, event: Uuid, content: &Hash) -> Vec<u8> {
    let mut bytes = b"cim-nix 2026-11-30 erasure v1".to_vec();
    text(&mut bytes, origin);
    bytes.extend_from_slice(event.as_bytes());
    bytes.extend_from_slice(content);
    bytes
}

/// What a forked origin signs so that another may go on from its streams.
pub fn succession(from: &str, to: &str) -> Vec<u8> {
    let mut bytes = b"cim-nix 2026-11-28 succession v1".to_vec();
    text(&mut bytes, from);
    text(&mut bytes, to);
    bytes
}

/// A content id as text: `CIDv1`, raw bytes, BLAKE3-256, base32 in lower case.
pub fn content_text(content: &Hash) -> String {
    let mut bytes = vec![0x01, 0x55, 0x1e, 0x20];
    bytes.extend_from_slice(content);
    format!("b{}", BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
}

/// The content id that a text names; none when it is not one of ours.
pub fn content_of_text(text: &str) -> Option<Hash> {
    let bytes = BASE32_NOPAD.decode(text.strip_prefix('b')?.to_ascii_uppercase().as_bytes()).ok()?;
    bytes.strip_prefix(&[0x01, 0x55, 0x1e, 0x20])?.try_into().ok()
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    fn envelope(content: &Hash) -> Envelope<'_> {
        Envelope {
            event_id: Uuid::from_u128(1),
            origin: "UORIGIN",
            stream: "flake/x",
            version: 3,
            kind: "flake.updated",
            schema_version: 1,
            occurred_at: -5,
            recorded_at: 1_764_000_000_000_000,
            correlation_id: Uuid::from_u128(2),
            causation_id: Uuid::from_u128(3),
            actor: "user@host",
            undoes: None,
            content,
        }
    }

    /// If this fails, the layout changed and every ledger out there would look forged.
    #[test]
    fn the_layout_never_changes() {
        let content = content("{}");
        assert_eq!(
            HEXLOWER.encode(&link(Chain::Local, &GENESIS, &envelope(&content))),
            "c7f1092dbf1e5a04093d6c7c945d67a01ab1198c6ff9124fe41befa50716954f"
        );
        let undo = Envelope { undoes: Some(Uuid::from_u128(4)), ..envelope(&content) };
        assert_eq!(
            HEXLOWER.encode(&link(Chain::Shared, &[7; 32], &undo)),
            "25fc346075d031173e1e7ecc21fe098a8ad7bc2cdafa301f618cc8c5fa800f66"
        );
        assert_eq!(content_text(&content), "bafkr4idoi3orbxx4tnlmfgtoyvvvbdbb6vgaqgjbstsn6jn7g3ymtq6cpe");
        assert_eq!(content_of_text(&content_text(&content)), Some(content));
        assert_eq!(content_of_text("bafy"), None);
        let signed = blake3::hash(&signed_head("UORIGIN", 7, &[9; 32]));
        assert_eq!(signed.to_hex().as_str(), "a51ad731260c99e758cb522b52e06945e96381c725cd2baec5cb0e5f74d8a262");
        let (event, length) = (Uuid::from_u128(1), 1_u64.to_le_bytes());
        let fields: [&[u8]; 5] = [b"cim-nix 2026-11-30 erasure v1", &length, b"U", event.as_bytes(), &[9; 32]];
        assert_eq!(erasure("U", event, &[9; 32]), fields.concat());
    }

    #[test]
    fn every_field_and_the_chain_count() {
        let content = content("{}");
        let other = super::content("null");
        let base = envelope(&content);
        let variants = [
            Envelope { event_id: Uuid::from_u128(9), ..base },
            Envelope { origin: "UORIGINf", stream: "lake/x", ..base },
            Envelope { version: 4, ..base },
            Envelope { kind: "flake.moved", ..base },
            Envelope { schema_version: 2, ..base },
            Envelope { occurred_at: 5, ..base },
            Envelope { recorded_at: 5, ..base },
            Envelope { correlation_id: Uuid::from_u128(9), ..base },
            Envelope { causation_id: Uuid::from_u128(9), ..base },
            Envelope { actor: "", ..base },
            Envelope { undoes: Some(Uuid::nil()), ..base },
            Envelope { content: &other, ..base },
        ];
        let link_of = |envelope: &Envelope<'_>| link(Chain::Local, &GENESIS, envelope);
        let mut links: Vec<Hash> = variants.iter().map(link_of).collect();
        links.extend([link_of(&base), link(Chain::Shared, &GENESIS, &base), link(Chain::Local, &[1; 32], &base)]);
        let count = links.len();
        links.sort_unstable();
        links.dedup();
        assert_eq!(links.len(), count);
    }
}
