//! The master keys in use, and the places they come from.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use souk_ports::{KeyStoreError, MasterKeyError, MasterKeySource};
use souk_privacy::seal::{MasterKey, SecretKey, WrappedKey};
use zeroize::Zeroizing;

use super::schema::Stored;
use super::{key_error, new_master};
use crate::sqlite::Failure;

/// What a line of a key file begins with.
const LINE_HEAD: &str = "souk-master-key-1 ";

const FILE_HEAD: &str = "\
# The master key of a souk data folder. Whoever has it and the key store can read every shopper's
# records; whoever loses it can read none of them ever again. Keep a copy apart from all backups.
";

/// The master keys in use, the current one first; two while a rotation goes on.
#[derive(Clone, Debug)]
pub(super) struct Masters(Arc<RwLock<Vec<MasterKey>>>);

impl Masters {
    /// Asks the source, and makes a key when there is none and nothing is wrapped yet.
    pub(super) fn load(
        source: &dyn MasterKeySource,
        stored: &Stored,
    ) -> Result<Masters, KeyStoreError> {
        let mut keys = source.load()?;
        for wanted in &stored.masters {
            if keys.iter().any(|key| key.id() == *wanted) {
                continue;
            }
            let found = match keys.as_slice() {
                [] => "holds none".to_owned(),
                [first, ..] => format!("holds another one, {}", first.id()),
            };
            let (place, subjects) = (source.place(), stored.rows.len() as u64);
            return Err(KeyStoreError::MasterKeyLost { wanted: *wanted, place, found, subjects });
        }
        if keys.is_empty() {
            keys.push(new_master().map_err(key_error)?);
            source.store(&keys)?;
            tracing::warn!(
                place = source.place(),
                "a master key was made: keep a copy of it apart from all backups, for without it no \
                 shopper's records can be read"
            );
        }
        Ok(Masters(Arc::new(RwLock::new(keys))))
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Vec<MasterKey>> {
        self.0.read()
    }

    pub(super) fn replace(&self, keys: Vec<MasterKey>) {
        *self.0.write() = keys;
    }
}

/// Opens a wrapped key with whichever master key wrapped it.
pub(super) fn unwrap(
    masters: &[MasterKey],
    owner: &[u8],
    wrapped: &WrappedKey,
) -> Result<SecretKey, Failure> {
    let opened = masters.iter().find_map(|master| master.unwrap(owner, wrapped).ok());
    opened.ok_or_else(|| {
        Failure::Damaged("a key does not open with the master key; restore the key store".into())
    })
}

/// A master key in a file of its own that only its owner may read.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The file at `path`; it need not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> KeyFile {
        KeyFile { path: path.into() }
    }

    fn unavailable(&self, source: io::Error) -> MasterKeyError {
        MasterKeyError::Unavailable { place: self.place(), source: Box::new(source) }
    }

    fn check_mode(&self) -> Result<(), MasterKeyError> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let found = std::fs::metadata(&self.path).map_err(|error| self.unavailable(error))?;
            let mode = found.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(MasterKeyError::TooOpen { path: self.path.clone(), mode });
            }
        }
        Ok(())
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let draft = self.path.with_extension("draft");
        // A draft that a crash left behind may hold a key: it is replaced, never added to.
        match std::fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = std::fs::OpenOptions::new();
        options.create_new(true).write(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, &self.path)?;
        crate::log::sync_folder(parent)
    }
}

impl MasterKeySource for KeyFile {
    fn load(&self) -> Result<Vec<MasterKey>, MasterKeyError> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.unavailable(error)),
        };
        self.check_mode()?;
        let mut keys = Vec::new();
        for (idx, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = line.strip_prefix(LINE_HEAD).and_then(parse_master_key);
            let malformed = || MasterKeyError::Malformed { place: self.place(), line: idx + 1 };
            keys.push(key.ok_or_else(malformed)?);
        }
        if keys.is_empty() {
            return Err(MasterKeyError::Malformed { place: self.place(), line: 1 });
        }
        Ok(keys)
    }

    fn store(&self, keys: &[MasterKey]) -> Result<(), MasterKeyError> {
        let mut text = Zeroizing::new(FILE_HEAD.to_owned());
        for key in keys {
            text.push_str(LINE_HEAD);
            text.push_str(&to_hex(key));
            text.push('\n');
        }
        self.write(&text).map_err(|error| self.unavailable(error))
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}

fn to_hex(key: &MasterKey) -> Zeroizing<String> {
    use std::fmt::Write as _;
    let mut text = Zeroizing::new(String::with_capacity(64));
    for byte in key.bytes() {
        write!(text, "{byte:02x}").expect("a text takes any character");
    }
    text
}

/// Reads a key of 64 hexadecimal digits.
fn parse_master_key(text: &str) -> Option<MasterKey> {
    let digits = text.trim().as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = Zeroizing::new([0; 32]);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(MasterKey::new(*bytes))
}

/// Master keys that somebody else keeps: an environment variable, or a test.
#[derive(Debug)]
pub struct MemoryMasterKey {
    place: String,
    keys: Mutex<Vec<MasterKey>>,
    is_writable: bool,
}

impl MemoryMasterKey {
    /// Keys that the operator keeps at `place`, the current one first, as 64 hexadecimal digits each.
    ///
    /// # Errors
    ///
    /// [`MasterKeyError::Malformed`] for a text that is none; it never quotes the text.
    pub fn given(place: &str, texts: &[&str]) -> Result<MemoryMasterKey, MasterKeyError> {
        let parse = |(idx, text): (usize, &&str)| {
            parse_master_key(text)
                .ok_or_else(|| MasterKeyError::Malformed { place: place.to_owned(), line: idx + 1 })
        };
        let keys = texts.iter().enumerate().map(parse).collect::<Result<_, _>>()?;
        Ok(MemoryMasterKey { place: place.to_owned(), keys: Mutex::new(keys), is_writable: false })
    }

    /// Keys that last as long as the value, for tests.
    pub fn fresh() -> MemoryMasterKey {
        MemoryMasterKey { place: "memory".into(), keys: Mutex::default(), is_writable: true }
    }
}

impl MasterKeySource for MemoryMasterKey {
    fn load(&self) -> Result<Vec<MasterKey>, MasterKeyError> {
        Ok(self.keys.lock().clone())
    }

    fn store(&self, keys: &[MasterKey]) -> Result<(), MasterKeyError> {
        if !self.is_writable {
            return Err(MasterKeyError::ReadOnly { place: self.place.clone() });
        }
        *self.keys.lock() = keys.to_vec();
        Ok(())
    }

    fn place(&self) -> String {
        self.place.clone()
    }
}
