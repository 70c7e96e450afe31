//! What git would store of a file: line endings, encoding and `$Id$`, as the attributes of its path say.
//!
//! No program is run: where a filter of the user's would have to say, nothing is said.

use std::path::Path;

use gix::ObjectId;
use gix::attrs::StateRef;
use gix::bstr::ByteSlice;
use gix::filter::plumbing::pipeline::CrlfRoundTripCheck;
use gix::filter::plumbing::pipeline::convert::ToGitOutcome;

use super::Repository;

/// How the content of a file would be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// Under this name.
    As(ObjectId),
    /// As a configured program makes it.
    ByAProgram,
}

impl Repository {
    /// How git would store `content` at a path inside the work tree; none when the attributes of that path cannot be read.
    pub(super) fn stored(&self, inside: &Path, content: &[u8]) -> Option<Stored> {
        let (pipeline, index) = self.inner.filter_pipeline(None).ok()?;
        let (mut pipeline, mut attributes) = pipeline.into_parts();
        let options = pipeline.options_mut();
        options.drivers.clear();
        // Whether a checkout would bring the same back is another question.
        options.crlf_roundtrip_check = CrlfRoundTripCheck::Skip;
        let place = attributes.at_path(inside, None, &self.inner.objects).ok()?;
        let mut by_a_program = false;
        let outcome = pipeline.convert_to_git(
            content,
            inside,
            &mut |_, found| {
                place.matching_attributes(found);
                by_a_program = found.iter_selected().any(|attribute| {
                    attribute.assignment.name.as_str() == "filter"
                        && matches!(attribute.assignment.state, StateRef::Value(_))
                });
            },
            &mut |buffer| {
                let entry = index.entry_by_path(inside.as_os_str().as_encoded_bytes().as_bstr());
                let blob = entry.and_then(|entry| self.object(entry.id).ok().flatten());
                Ok(blob.map(|blob| buffer.extend_from_slice(&blob.data)))
            },
        );
        match outcome.ok()? {
            _ if by_a_program => Some(Stored::ByAProgram),
            ToGitOutcome::Buffer(bytes) => self.name_of(bytes).map(Stored::As),
            ToGitOutcome::Unchanged(_) | ToGitOutcome::Process(_) => self.name_of(content).map(Stored::As),
        }
    }

    /// The name of a content as it is.
    pub(super) fn name_of(&self, content: &[u8]) -> Option<ObjectId> {
        gix::objs::compute_hash(self.inner.object_hash(), gix::objs::Kind::Blob, content).ok()
    }
}
