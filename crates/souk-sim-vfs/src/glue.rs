//! The model as a SQLite VFS.
//!
//! Registering a VFS has no safe interface, so this file alone of the project is `unsafe`; it is
//! compiled into tests only. Each function trusts what SQLite promises in "The OS Backend (VFS)":
//! pointers are valid for the call, and a file is used only between its open and its close.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use parking_lot::Mutex;
use rusqlite::ffi;

use crate::disk::{Disk, DiskError, LOCK_SHARED, Loss};

static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

/// A disk in memory, known to SQLite as the file layer named [`SimDisk::vfs`].
#[derive(Debug)]
pub struct SimDisk {
    disk: Arc<Mutex<Disk>>,
    name: String,
    registration: *mut ffi::sqlite3_vfs,
}

impl SimDisk {
    /// Registers a new, empty disk.
    ///
    /// # Panics
    ///
    /// When SQLite refuses the registration, which it never does.
    pub fn register() -> SimDisk {
        let disk = Arc::new(Mutex::new(Disk::default()));
        let name = format!("souk-sim-{}", NEXT_NUMBER.fetch_add(1, Ordering::Relaxed));
        let c_name = CString::new(name.clone()).expect("the name holds no zero byte");
        // SAFETY: the default VFS always exists; its clock, sleep and randomness ignore their
        // first argument, so a copy of the record may keep them.
        let registration = unsafe {
            let default = ffi::sqlite3_vfs_find(std::ptr::null());
            let mut vfs = *default;
            vfs.iVersion = 2;
            vfs.szOsFile = c_int::try_from(size_of::<SimFile>()).expect("a small record");
            vfs.pNext = std::ptr::null_mut();
            vfs.zName = c_name.into_raw();
            vfs.pAppData = Arc::into_raw(Arc::clone(&disk)).cast_mut().cast();
            vfs.xOpen = Some(open);
            vfs.xDelete = Some(delete);
            vfs.xAccess = Some(access);
            vfs.xFullPathname = Some(full_pathname);
            let vfs = Box::into_raw(Box::new(vfs));
            assert_eq!(ffi::sqlite3_vfs_register(vfs, 0), ffi::SQLITE_OK);
            vfs
        };
        SimDisk { disk, name, registration }
    }

    /// The name to open connections with.
    pub fn vfs(&self) -> &str {
        &self.name
    }

    /// Cuts the power before the write or sync that comes after `ops` more of them; everything
    /// fails from then on.
    pub fn cut_power_after(&self, ops: u64) {
        self.disk.lock().cut_power_after(ops);
    }

    /// Cuts the power now.
    pub fn cut_power(&self) {
        self.disk.lock().cut_power();
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.disk.lock().is_off()
    }

    /// Turns the power on again, with what survived; every connection must be closed.
    pub fn power_on(&self, loss: Loss) {
        self.disk.lock().power_on(loss);
    }

    /// Limits the bytes of all files together; `None` for no limit.
    pub fn set_space(&self, bytes: Option<usize>) {
        self.disk.lock().set_space(bytes);
    }

    /// Bytes of all files together.
    pub fn used(&self) -> usize {
        self.disk.lock().used()
    }

    /// Writes and syncs so far, and syncs alone.
    pub fn ops(&self) -> (u64, u64) {
        let disk = self.disk.lock();
        (disk.ops, disk.syncs)
    }

    /// Flips a byte wherever `pattern` is stored in the file, and returns how many places that were.
    pub fn damage(&self, path: &str, pattern: &[u8]) -> usize {
        self.disk.lock().damage(path, pattern)
    }
}

impl Drop for SimDisk {
    fn drop(&mut self) {
        // SAFETY: registered once by `register`; the record itself stays, because a connection that
        // a failing test left open may still point to it.
        unsafe { ffi::sqlite3_vfs_unregister(self.registration) };
    }
}

// SAFETY: the registration is a plain address that only `drop` uses.
unsafe impl Send for SimDisk {}
// SAFETY: as above; the disk itself is behind a mutex.
unsafe impl Sync for SimDisk {}

/// What SQLite allocates for a file.
#[repr(C)]
struct SimFile {
    base: ffi::sqlite3_file,
    state: *mut Handle,
}

struct Handle {
    disk: Arc<Mutex<Disk>>,
    name: String,
    number: u64,
    is_temporary: bool,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

fn code(answer: Result<(), DiskError>, off: c_int) -> c_int {
    match answer {
        Ok(()) => ffi::SQLITE_OK,
        Err(DiskError::Off) => off,
        Err(DiskError::Full) => ffi::SQLITE_FULL,
        Err(DiskError::Busy) => ffi::SQLITE_BUSY,
    }
}

unsafe fn disk_of<'a>(vfs: *mut ffi::sqlite3_vfs) -> &'a Mutex<Disk> {
    // SAFETY: `pAppData` is the pointer that `register` took from an `Arc` and never gives back.
    unsafe { &*(*vfs).pAppData.cast::<Mutex<Disk>>() }
}

unsafe fn shared_disk_of(vfs: *mut ffi::sqlite3_vfs) -> Arc<Mutex<Disk>> {
    // SAFETY: as in `disk_of`; the count is raised for the `Arc` that is made here.
    unsafe {
        let disk = (*vfs).pAppData.cast::<Mutex<Disk>>().cast_const();
        Arc::increment_strong_count(disk);
        Arc::from_raw(disk)
    }
}

unsafe fn handle_of<'a>(file: *mut ffi::sqlite3_file) -> &'a Handle {
    // SAFETY: SQLite calls methods only on files that `open` filled in.
    unsafe { &*(*file.cast::<SimFile>()).state }
}

unsafe fn name_of(name: *const c_char) -> String {
    // SAFETY: SQLite gives names that end with a zero byte.
    unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: see the head of this file.
    unsafe {
        let disk = shared_disk_of(vfs);
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        let is_temporary = name.is_null();
        let name = if is_temporary { format!("temporary-{number}") } else { name_of(name) };
        (*file).pMethods = std::ptr::null();
        {
            let mut disk = disk.lock();
            if disk.is_off() || (flags & ffi::SQLITE_OPEN_CREATE == 0 && !disk.exists(&name)) {
                return ffi::SQLITE_CANTOPEN;
            }
            disk.open(&name);
        }
        let state = Box::into_raw(Box::new(Handle { disk, name, number, is_temporary }));
        (*file.cast::<SimFile>()).state = state;
        (*file).pMethods = &raw const METHODS;
        if !out_flags.is_null() {
            *out_flags = flags;
        }
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, _: c_int) -> c_int {
    // SAFETY: see the head of this file.
    let (disk, name) = unsafe { (disk_of(vfs), name_of(name)) };
    code(disk.lock().delete(&name), ffi::SQLITE_IOERR_DELETE)
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: see the head of this file.
    unsafe {
        let disk = disk_of(vfs).lock();
        let name = name_of(name);
        *out = c_int::from(disk.exists(&name) && disk.size(&name) > 0);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    n_out: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: `out` has `n_out` bytes, and the length is checked before the copy.
    unsafe {
        let bytes = CStr::from_ptr(name).to_bytes_with_nul();
        if bytes.len() > usize::try_from(n_out).unwrap_or(0) {
            return ffi::SQLITE_CANTOPEN;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes each file once, so the box is taken back once.
    let handle = unsafe { Box::from_raw((*file.cast::<SimFile>()).state) };
    let mut disk = handle.disk.lock();
    disk.unlock(&handle.name, handle.number, 0);
    disk.shm_unlock(&handle.name, handle.number, 0..8);
    if handle.is_temporary {
        // A temporary file is nobody's; with the power off it stays, and nobody sees it.
        let _ = disk.delete(&handle.name);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    out: *mut c_void,
    n: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: `out` has `n` bytes.
    let (handle, out) = unsafe {
        let n = usize::try_from(n).unwrap_or(0);
        (handle_of(file), std::slice::from_raw_parts_mut(out.cast::<u8>(), n))
    };
    match handle.disk.lock().read(&handle.name, usize::try_from(at).unwrap_or(0), out) {
        Ok(n) if n == out.len() => ffi::SQLITE_OK,
        Ok(n) => {
            out[n..].fill(0);
            ffi::SQLITE_IOERR_SHORT_READ
        }
        Err(_) => ffi::SQLITE_IOERR_READ,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    n: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: `from` has `n` bytes.
    let (handle, bytes) = unsafe {
        let n = usize::try_from(n).unwrap_or(0);
        (handle_of(file), std::slice::from_raw_parts(from.cast::<u8>(), n))
    };
    let at = usize::try_from(at).unwrap_or(0);
    code(handle.disk.lock().write(&handle.name, at, bytes), ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: see the head of this file.
    let handle = unsafe { handle_of(file) };
    let size = usize::try_from(size).unwrap_or(0);
    code(handle.disk.lock().truncate(&handle.name, size), ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: see the head of this file.
    let handle = unsafe { handle_of(file) };
    code(handle.disk.lock().sync(&handle.name), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(
    file: *mut ffi::sqlite3_file,
    out: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: see the head of this file.
    unsafe {
        let handle = handle_of(file);
        *out = i64::try_from(handle.disk.lock().size(&handle.name)).unwrap_or(i64::MAX);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: see the head of this file.
    let handle = unsafe { handle_of(file) };
    let answer = handle.disk.lock().lock(&handle.name, handle.number, level);
    code(answer, ffi::SQLITE_IOERR_LOCK)
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: see the head of this file.
    let handle = unsafe { handle_of(file) };
    let level = if level >= LOCK_SHARED { LOCK_SHARED } else { 0 };
    handle.disk.lock().unlock(&handle.name, handle.number, level);
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: see the head of this file.
    unsafe {
        let handle = handle_of(file);
        *out = c_int::from(handle.disk.lock().is_reserved(&handle.name));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4_096
}

/// What SQLite assumes of a Unix file system too: a write does not touch bytes beside it.
unsafe extern "C" fn device_characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    bytes: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: a region lives for ever once it is made, as test processes are short; `u64` aligns it.
    unsafe {
        let handle = handle_of(file);
        let words = usize::try_from(bytes).unwrap_or(0) / 8;
        let make = || Box::into_raw(vec![0_u64; words].into_boxed_slice()).cast::<u64>() as usize;
        let make: Option<&dyn Fn() -> usize> = if extend != 0 { Some(&make) } else { None };
        let idx = usize::try_from(region).unwrap_or(0);
        let found = handle.disk.lock().shm_region(&handle.name, idx, make);
        *out = found.unwrap_or(0) as *mut c_void;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    offset: c_int,
    n: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: see the head of this file.
    let handle = unsafe { handle_of(file) };
    let slot = |at: c_int| usize::try_from(at).unwrap_or(0);
    let slots: Range<usize> = slot(offset)..slot(offset + n);
    let mut disk = handle.disk.lock();
    let answer = if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        disk.shm_unlock(&handle.name, handle.number, slots);
        Ok(())
    } else if flags & ffi::SQLITE_SHM_SHARED != 0 {
        disk.shm_lock_shared(&handle.name, handle.number, slots)
    } else {
        disk.shm_lock_exclusive(&handle.name, handle.number, slots)
    };
    code(answer, ffi::SQLITE_IOERR_SHMLOCK)
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {
    fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: see the head of this file.
    let handle = unsafe { handle_of(file) };
    handle.disk.lock().shm_unlock(&handle.name, handle.number, 0..8);
    ffi::SQLITE_OK
}
