//! The file system of SQLite's own, with a few calls of ours in between. The one place with unsafe code: SQLite has no other
//! door here.
//!
//! A file that SQLite opens through it lies in memory as its own file system has it, followed by a [`Beside`]. The methods of
//! the file are a copy of those of its own, in which ours stand for the few that matter; all others go where they went.

use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;
use std::{ptr, slice};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_filename, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};

use super::{Frames, Write};

const NAME: &CStr = c"cim-nix-frames";
/// The lock of whoever writes to the log, by its number.
const WRITE_LOCK: c_int = 0;

/// SQLite's own method writes less than 128 KiB at a time, and takes a multiple of that for nothing.
const MOST: usize = 124 << 10;

/// SQLite's own file system and what is known of it, once ours is registered.
static OWN: OnceLock<Option<Own>> = OnceLock::new();

/// The name by which a connection asks for it; none when SQLite would not have it, and its own does as well.
pub(in crate::store::connect) fn name() -> Option<&'static CStr> {
    OWN.get_or_init(register).is_some().then_some(NAME)
}

struct Own {
    vfs: *mut sqlite3_vfs,
    /// Where a [`Beside`] lies, in bytes after the beginning of a file.
    beside_at: usize,
}

// SAFETY: a file system that is registered may be used by every thread.
unsafe impl Send for Own {}
// SAFETY: as above.
unsafe impl Sync for Own {}

fn register() -> Option<Own> {
    // SAFETY: SQLite initialises itself when it is asked; what it answers is null, or lives as long as the process.
    let (vfs, own) = unsafe {
        let vfs = ffi::sqlite3_vfs_find(ptr::null());
        (vfs, *vfs.as_ref()?)
    };
    let beside_at = usize::try_from(own.szOsFile).ok()?.next_multiple_of(align_of::<Beside>());
    let ours = sqlite3_vfs {
        szOsFile: c_int::try_from(beside_at + size_of::<Beside>()).ok()?,
        pNext: ptr::null_mut(),
        zName: NAME.as_ptr(),
        xOpen: Some(open),
        ..own
    };
    // SAFETY: it is whole and never freed.
    let registered = unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 0) };
    (registered == ffi::SQLITE_OK).then_some(Own { vfs, beside_at })
}

/// What lies behind a file.
struct Beside {
    /// The methods that the file has.
    methods: sqlite3_io_methods,
    /// Those of SQLite's own.
    own: *const sqlite3_io_methods,
    /// Of a database: its log, as long as that is open. Of a log: its database.
    other: *mut sqlite3_file,
    frames: Frames,
}

/// Calls the method that a file had before ours took its place; every file that SQLite opens has it.
macro_rules! own {
    ($file:ident . $method:ident ( $($argument:expr),* )) => {
        match (*(*beside($file)).own).$method {
            Some(method) => method($file, $($argument),*),
            None => ffi::SQLITE_MISUSE,
        }
    };
}

/// What lies behind a file.
///
/// # Safety
/// The file is, or is being, opened here.
unsafe fn beside(file: *mut sqlite3_file) -> *mut Beside {
    let at = OWN.get().and_then(Option::as_ref).map_or(0, |own| own.beside_at);
    // SAFETY: SQLite has reserved `szOsFile` bytes, aligned for pointers, for every file of this file system.
    unsafe { file.cast::<u8>().add(at).cast() }
}

/// # Safety
/// For SQLite to call, as `xOpen` of the file system that is registered here.
unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    opened_with: *mut c_int,
) -> c_int {
    let Some(Some(own)) = OWN.get() else { return ffi::SQLITE_CANTOPEN };
    // SAFETY: the arguments go on as they came, to the file system that the rest of ours is a copy of.
    let opened = match unsafe { (*own.vfs).xOpen } {
        Some(open) => unsafe { open(own.vfs, name, file, flags, opened_with) },
        None => ffi::SQLITE_CANTOPEN,
    };
    if opened != ffi::SQLITE_OK {
        return opened;
    }
    // SAFETY: the file is open, so it has methods; the name of a log is one that SQLite made, so it knows the database.
    unsafe {
        if flags & ffi::SQLITE_OPEN_MAIN_DB != 0 {
            let methods = *(*file).pMethods;
            let methods = sqlite3_io_methods { xShmLock: Some(lock), xUnlock: Some(unlock), ..methods };
            stand_between(file, ptr::null_mut(), methods);
        } else if flags & ffi::SQLITE_OPEN_WAL != 0 {
            let database = ffi::sqlite3_database_file_object(name);
            // Without it frames are written in pieces, and some twice.
            if own!(database.xDeviceCharacteristics()) & ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE == 0 {
                return opened;
            }
            (*beside(database)).other = file;
            let methods = sqlite3_io_methods {
                xRead: Some(read),
                xWrite: Some(write),
                xTruncate: Some(truncate),
                xSync: Some(sync),
                xFileSize: Some(size),
                ..*(*file).pMethods
            };
            stand_between(file, database, methods);
        }
    }
    opened
}

/// # Safety
/// The file was just opened by SQLite's own file system.
unsafe fn stand_between(file: *mut sqlite3_file, other: *mut sqlite3_file, methods: sqlite3_io_methods) {
    let methods = sqlite3_io_methods { xClose: Some(close), ..methods };
    // SAFETY: the place is reserved and nothing is there yet; it stays where it is until the file is closed.
    unsafe {
        let own = (*file).pMethods;
        let place = beside(file);
        place.write(Beside { methods, own, other, frames: Frames::default() });
        (*file).pMethods = &raw const (*place).methods;
    }
}

/// Closes a file. What was not committed is of no use to anyone.
unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the file is open, and SQLite closes the log of a database before the database.
    unsafe {
        let beside = beside(file).read();
        if !beside.other.is_null() {
            (*self::beside(beside.other)).other = ptr::null_mut();
        }
        (*file).pMethods = beside.own;
        (*beside.own).xClose.map_or(ffi::SQLITE_OK, |close| close(file))
    }
}

/// Whoever lets others write has committed, or its frames are void: they must never reach the file after that.
unsafe extern "C" fn lock(database: *mut sqlite3_file, number: c_int, count: c_int, how: c_int) -> c_int {
    // SAFETY: the database is open.
    unsafe {
        if number == WRITE_LOCK && how & ffi::SQLITE_SHM_EXCLUSIVE != 0 {
            let_go(database);
        }
        own!(database.xShmLock(number, count, how))
    }
}

/// The same for whoever had the database alone, without locks of the log.
unsafe extern "C" fn unlock(database: *mut sqlite3_file, down_to: c_int) -> c_int {
    // SAFETY: the database is open.
    unsafe {
        let_go(database);
        own!(database.xUnlock(down_to))
    }
}

/// # Safety
/// The database is open; its log is as well while it is known here.
unsafe fn let_go(database: *mut sqlite3_file) {
    // SAFETY: as said.
    unsafe {
        let log = (*beside(database)).other;
        if !log.is_null() {
            (*beside(log)).frames.clear();
        }
    }
}

unsafe extern "C" fn write(
    log: *mut sqlite3_file,
    bytes: *const c_void,
    amount: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: the log is open, and SQLite gives that many bytes.
    unsafe {
        let given = slice::from_raw_parts(bytes.cast::<u8>(), usize::try_from(amount).unwrap_or_default());
        match (*beside(log)).frames.take(given, offset) {
            Write::Kept => ffi::SQLITE_OK,
            Write::All => put(log),
            Write::Itself => match put(log) {
                ffi::SQLITE_OK => own!(log.xWrite(bytes, amount, offset)),
                error => error,
            },
        }
    }
}

/// Writes what is here.
///
/// # Safety
/// The log is open.
unsafe fn put(log: *mut sqlite3_file) -> c_int {
    // SAFETY: the frames are beside the file, and SQLite's own method knows nothing of them.
    unsafe {
        let Some((bytes, begin)) = (*beside(log)).frames.waiting() else { return ffi::SQLITE_OK };
        for (piece, offset) in bytes.chunks(MOST).zip((begin..).step_by(MOST)) {
            let amount = c_int::try_from(piece.len()).unwrap_or_default();
            let written = own!(log.xWrite(piece.as_ptr().cast(), amount, offset));
            if written != ffi::SQLITE_OK {
                (*beside(log)).frames.failed();
                return written;
            }
        }
        (*beside(log)).frames.clear();
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn read(log: *mut sqlite3_file, into: *mut c_void, amount: c_int, offset: sqlite3_int64) -> c_int {
    // SAFETY: the log is open.
    unsafe {
        let put = put(log);
        if put != ffi::SQLITE_OK {
            return put;
        }
        (*beside(log)).frames.read = Some(offset);
        own!(log.xRead(into, amount, offset))
    }
}

unsafe extern "C" fn truncate(log: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: the log is open.
    unsafe {
        match put(log) {
            ffi::SQLITE_OK => own!(log.xTruncate(size)),
            error => error,
        }
    }
}

unsafe extern "C" fn sync(log: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: the log is open.
    unsafe {
        match put(log) {
            ffi::SQLITE_OK => own!(log.xSync(flags)),
            error => error,
        }
    }
}

unsafe extern "C" fn size(log: *mut sqlite3_file, bytes: *mut sqlite3_int64) -> c_int {
    // SAFETY: the log is open.
    unsafe {
        match put(log) {
            ffi::SQLITE_OK => own!(log.xFileSize(bytes)),
            error => error,
        }
    }
}
