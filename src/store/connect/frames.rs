//! Frames of the write-ahead log on their way to the file. SQLite writes every page of a commit with two calls, which cost a
//! file system more than the bytes do; here frames come together and are written by one call once the commit is complete.
//! Knows no connection and no ledger; what is done with which call is decided here, and done in [`mod@file`].

#[expect(unsafe_code, reason = "SQLite's own file system is asked by its own words")]
pub(super) mod file;

/// A frame's header: page number, size of the database after a commit or zero, salts, checksums.
const HEADER: usize = 24;
/// No page is smaller.
const SMALLEST_PAGE: usize = 512;
/// Frames of a large transaction are written when there are this many bytes of them.
const LIMIT: usize = 1 << 20;

/// Frames that follow each other in the log and are not in the file yet. All of them belong to a transaction that goes on, so
/// nobody but its connection may know of them; with the transaction's lock they are gone.
#[derive(Debug, Default)]
struct Frames {
    begin: i64,
    bytes: Vec<u8>,
    header: Header,
    /// Whether the last of them is that of a commit.
    whole: bool,
    /// Where the last call has read, when the last call was one that reads.
    read: Option<i64>,
}

/// The header whose page comes next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Header {
    #[default]
    None,
    Inside,
    Commit,
}

/// What is to be done with something that was given to be written.
#[derive(Debug, PartialEq, Eq)]
enum Write {
    /// Nothing yet: it is here.
    Kept,
    /// It is here and completes what there is: all of that is to be written.
    All,
    /// It is not kept: what is here has to be written, and then it.
    Itself,
}

impl Frames {
    /// Takes in what is to be written.
    fn take(&mut self, bytes: &[u8], offset: i64) -> Write {
        // Checksums are mended where they were just read; nothing may follow that would bring such a header into the file.
        let again = self.read.take() == Some(offset);
        let follows = self.bytes.is_empty() || self.end() == Some(offset);
        match self.header {
            Header::None if bytes.len() == HEADER && follows && !again => {
                if self.bytes.is_empty() {
                    self.begin = offset;
                }
                let commits = bytes.get(4..8).is_some_and(|size| size != [0; 4]);
                self.header = if commits { Header::Commit } else { Header::Inside };
                self.bytes.extend_from_slice(bytes);
                Write::Kept
            }
            Header::Inside | Header::Commit if bytes.len() >= SMALLEST_PAGE && follows => {
                self.whole = std::mem::take(&mut self.header) == Header::Commit;
                self.bytes.extend_from_slice(bytes);
                if self.whole || self.bytes.len() >= LIMIT { Write::All } else { Write::Kept }
            }
            _ => Write::Itself,
        }
    }

    /// What is here, and where it begins.
    fn waiting(&mut self) -> Option<(&[u8], i64)> {
        self.header = Header::None;
        (!self.bytes.is_empty()).then_some((&self.bytes, self.begin))
    }

    /// It could not be written. A commit that fails is undone as a whole; else the transaction may go on, so that what is here
    /// is tried again.
    fn failed(&mut self) {
        if self.whole {
            self.clear();
        }
    }

    /// What is here was written, or is of no use any more.
    fn clear(&mut self) {
        self.bytes.clear();
        self.header = Header::None;
        self.whole = false;
    }

    fn end(&self) -> Option<i64> {
        self.begin.checked_add(i64::try_from(self.bytes.len()).ok()?)
    }
}

#[cfg(test)]
mod tests;
