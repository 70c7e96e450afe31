//! What the inputs of a flake refer to. Shared by the rules on flakes; finds nothing itself.

use crate::syntax::flake::Input;
use crate::syntax::flake_ref::{FlakeRef, Source};

/// What an input asks for; none for what cannot be read, and for inputs that follow others.
pub(super) fn of(input: &Input) -> Option<FlakeRef> {
    if input.follows.is_some() {
        return None;
    }
    FlakeRef::of_input(&input.name, input.url.as_deref(), &input.attrs, input.flake).ok()
}

/// The URL that is fetched, where there is one.
pub(super) fn url(reference: &FlakeRef) -> Option<&str> {
    match &reference.source {
        Source::Git { url } | Source::Mercurial { url } | Source::Tarball { url } | Source::File { url } => Some(url),
        Source::Indirect { .. } | Source::Forge { .. } | Source::Path { .. } => None,
    }
}

/// Whether a URL goes over the network without encryption, so that anyone on the way can change what comes.
pub(super) fn is_insecure(url: &str) -> bool {
    let host = ["http://", "git://", "ftp://", "svn://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    host.is_some_and(|host| !["localhost", "127.0.0.1", "[::1]", "0.0.0.0"].iter().any(|here| host.starts_with(here)))
}
