//! What the disk holds, what of it is durable, and who has locked it. No SQLite here.

use std::collections::BTreeMap;

/// What a power cut does to writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of them are lost.
    All,
    /// Any subset reaches the disk, in any order, and some only in part: what real disks do.
    Some {
        /// Which ones, reproducibly.
        seed: u64,
    },
}

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiskError {
    /// The power is off.
    Off,
    /// No space is left.
    Full,
    /// Another handle holds a lock.
    Busy,
}

/// A disk sector; a write may be torn between two of them.
const SECTOR_BYTES: usize = 512;
/// SQLite's locks on the shared memory of one database.
const SHM_LOCKS: usize = 8;

/// SQLite's lock levels in order: none, shared, reserved, pending, exclusive.
pub(crate) const LOCK_SHARED: i32 = 1;
const LOCK_RESERVED: i32 = 2;
const LOCK_PENDING: i32 = 3;
const LOCK_EXCLUSIVE: i32 = 4;

#[derive(Debug)]
enum Unsynced {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

#[derive(Debug, Default)]
struct File {
    content: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Unsynced>,
    locks: BTreeMap<u64, i32>,
    /// Each lock's holders; an exclusive one is alone and marked.
    shm_locks: [ShmLock; SHM_LOCKS],
    /// Addresses of the shared memory's regions.
    shm_regions: Vec<usize>,
}

#[derive(Debug, Default)]
struct ShmLock {
    shared: Vec<u64>,
    exclusive: Option<u64>,
}

/// All files of one disk.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    files: BTreeMap<String, File>,
    is_off: bool,
    /// Writes and syncs until the power goes off.
    ops_left: Option<u64>,
    /// Bytes that all files together may have.
    space: Option<usize>,
    pub(crate) ops: u64,
    pub(crate) syncs: u64,
}

impl Disk {
    pub(crate) fn is_off(&self) -> bool {
        self.is_off
    }

    pub(crate) fn cut_power_after(&mut self, ops: u64) {
        self.ops_left = Some(ops);
    }

    pub(crate) fn cut_power(&mut self) {
        self.is_off = true;
    }

    pub(crate) fn set_space(&mut self, bytes: Option<usize>) {
        self.space = bytes;
    }

    pub(crate) fn used(&self) -> usize {
        self.files.values().map(|file| file.content.len()).sum()
    }

    /// Applies what the power cut left, and turns the power on.
    pub(crate) fn power_on(&mut self, loss: Loss) {
        let mut random = match loss {
            Loss::All => None,
            Loss::Some { seed } => Some(SplitMix(seed)),
        };
        for file in self.files.values_mut() {
            let unsynced = std::mem::take(&mut file.unsynced);
            if let Some(random) = &mut random {
                survive(&mut file.durable, unsynced, random);
            }
            file.content.clone_from(&file.durable);
            file.locks.clear();
            file.shm_locks = Default::default();
            file.shm_regions.clear();
        }
        self.is_off = false;
        self.ops_left = None;
    }

    pub(crate) fn open(&mut self, name: &str) {
        self.files.entry(name.to_owned()).or_default();
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    pub(crate) fn delete(&mut self, name: &str) -> Result<(), DiskError> {
        self.count_op()?;
        self.files.remove(name);
        Ok(())
    }

    /// Copies into `out` and returns how many bytes there were.
    pub(crate) fn read(&self, name: &str, at: usize, out: &mut [u8]) -> Result<usize, DiskError> {
        if self.is_off {
            return Err(DiskError::Off);
        }
        let content = self.files.get(name).map_or(&[][..], |file| &file.content);
        let from = content.get(at..).unwrap_or(&[]);
        let n = from.len().min(out.len());
        out[..n].copy_from_slice(&from[..n]);
        Ok(n)
    }

    pub(crate) fn write(&mut self, name: &str, at: usize, bytes: &[u8]) -> Result<(), DiskError> {
        self.count_op()?;
        let used = self.used();
        let Some(file) = self.files.get_mut(name) else { return Err(DiskError::Off) };
        let growth = (at + bytes.len()).saturating_sub(file.content.len());
        if growth > 0 && self.space.is_some_and(|space| used + growth > space) {
            return Err(DiskError::Full);
        }
        put(&mut file.content, at, bytes);
        file.unsynced.push(Unsynced::Write { at, bytes: bytes.to_vec() });
        Ok(())
    }

    pub(crate) fn truncate(&mut self, name: &str, bytes: usize) -> Result<(), DiskError> {
        self.count_op()?;
        let Some(file) = self.files.get_mut(name) else { return Err(DiskError::Off) };
        file.content.truncate(bytes);
        file.unsynced.push(Unsynced::Truncate(bytes));
        Ok(())
    }

    pub(crate) fn sync(&mut self, name: &str) -> Result<(), DiskError> {
        self.count_op()?;
        self.syncs += 1;
        let Some(file) = self.files.get_mut(name) else { return Err(DiskError::Off) };
        for op in std::mem::take(&mut file.unsynced) {
            apply(&mut file.durable, &op);
        }
        Ok(())
    }

    pub(crate) fn size(&self, name: &str) -> usize {
        self.files.get(name).map_or(0, |file| file.content.len())
    }

    /// Flips the first byte of every copy of `pattern`, stale ones in freed space too; returns how
    /// many there were.
    pub(crate) fn damage(&mut self, name: &str, pattern: &[u8]) -> usize {
        let Some(file) = self.files.get_mut(name) else { return 0 };
        let windows = file.content.windows(pattern.len()).enumerate();
        let found: Vec<usize> =
            windows.filter(|(_, window)| *window == pattern).map(|(at, _)| at).collect();
        found.iter().for_each(|at| file.content[*at] ^= 0xff);
        file.durable.clone_from(&file.content);
        file.unsynced.clear();
        found.len()
    }

    pub(crate) fn lock(&mut self, name: &str, handle: u64, level: i32) -> Result<(), DiskError> {
        let Some(file) = self.files.get_mut(name) else { return Ok(()) };
        let others = file.locks.iter().filter(|(other, _)| **other != handle);
        let highest = others.map(|(_, level)| *level).max().unwrap_or(0);
        let is_free = match level {
            LOCK_SHARED => highest < LOCK_PENDING,
            LOCK_RESERVED | LOCK_PENDING => highest < LOCK_RESERVED,
            LOCK_EXCLUSIVE => highest == 0,
            _ => true,
        };
        if !is_free {
            return Err(DiskError::Busy);
        }
        file.locks.insert(handle, level);
        Ok(())
    }

    pub(crate) fn unlock(&mut self, name: &str, handle: u64, level: i32) {
        let Some(file) = self.files.get_mut(name) else { return };
        if level == 0 {
            file.locks.remove(&handle);
        } else {
            file.locks.insert(handle, level);
        }
    }

    pub(crate) fn is_reserved(&self, name: &str) -> bool {
        let file = self.files.get(name);
        file.is_some_and(|file| file.locks.values().any(|level| *level >= LOCK_RESERVED))
    }

    /// The address of a region of shared memory, made by `make` when it is missing.
    pub(crate) fn shm_region(
        &mut self,
        name: &str,
        idx: usize,
        make: Option<&dyn Fn() -> usize>,
    ) -> Option<usize> {
        let file = self.files.get_mut(name)?;
        if let Some(make) = make {
            while file.shm_regions.len() <= idx {
                file.shm_regions.push(make());
            }
        }
        file.shm_regions.get(idx).copied()
    }

    pub(crate) fn shm_lock_shared(
        &mut self,
        name: &str,
        handle: u64,
        slots: std::ops::Range<usize>,
    ) -> Result<(), DiskError> {
        let Some(file) = self.files.get_mut(name) else { return Err(DiskError::Off) };
        let locks = &mut file.shm_locks[slots];
        if locks.iter().any(|lock| lock.exclusive.is_some_and(|holder| holder != handle)) {
            return Err(DiskError::Busy);
        }
        locks
            .iter_mut()
            .filter(|l| !l.shared.contains(&handle))
            .for_each(|l| l.shared.push(handle));
        Ok(())
    }

    pub(crate) fn shm_lock_exclusive(
        &mut self,
        name: &str,
        handle: u64,
        slots: std::ops::Range<usize>,
    ) -> Result<(), DiskError> {
        let Some(file) = self.files.get_mut(name) else { return Err(DiskError::Off) };
        let locks = &mut file.shm_locks[slots];
        let is_held = |lock: &ShmLock| {
            lock.exclusive.is_some_and(|holder| holder != handle)
                || lock.shared.iter().any(|holder| *holder != handle)
        };
        if locks.iter().any(is_held) {
            return Err(DiskError::Busy);
        }
        locks.iter_mut().for_each(|lock| lock.exclusive = Some(handle));
        Ok(())
    }

    pub(crate) fn shm_unlock(&mut self, name: &str, handle: u64, slots: std::ops::Range<usize>) {
        let Some(file) = self.files.get_mut(name) else { return };
        for lock in &mut file.shm_locks[slots] {
            lock.shared.retain(|holder| *holder != handle);
            lock.exclusive = lock.exclusive.filter(|holder| *holder != handle);
        }
    }

    fn count_op(&mut self) -> Result<(), DiskError> {
        self.ops += 1;
        if let Some(left) = &mut self.ops_left {
            match left.checked_sub(1) {
                Some(rest) => *left = rest,
                None => self.is_off = true,
            }
        }
        if self.is_off { Err(DiskError::Off) } else { Ok(()) }
    }
}

fn apply(content: &mut Vec<u8>, op: &Unsynced) {
    match op {
        Unsynced::Write { at, bytes } => put(content, *at, bytes),
        Unsynced::Truncate(bytes) => content.truncate(*bytes),
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

/// Applies a random subset of what was not synced, some of it torn at a sector's edge.
fn survive(durable: &mut Vec<u8>, unsynced: Vec<Unsynced>, random: &mut SplitMix) {
    // Half of the time a prefix survives whole, else each write takes its own chance.
    let prefix =
        (random.next().is_multiple_of(2)).then(|| random.next() % (unsynced.len() as u64 + 1));
    for (idx, op) in unsynced.into_iter().enumerate() {
        let survives = match prefix {
            Some(n) => (idx as u64) < n,
            None => random.next().is_multiple_of(2),
        };
        if !survives {
            continue;
        }
        match op {
            Unsynced::Write { at, bytes } if prefix.is_none() && bytes.len() > SECTOR_BYTES => {
                for (sector, part) in bytes.chunks(SECTOR_BYTES).enumerate() {
                    if !random.next().is_multiple_of(4) {
                        put(durable, at + sector * SECTOR_BYTES, part);
                    }
                }
            }
            op => apply(durable, &op),
        }
    }
}

/// Steele, Lea and Flood, *Fast splittable pseudorandom number generators* (2014).
#[derive(Debug)]
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
