//! Looking for bytes in files of any size, a piece at a time.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes of one piece.
const PIECE: usize = 1 << 20;

/// How often a word stands in a file.
///
/// # Errors
///
/// When the file cannot be read.
pub fn count_in_file(path: &Path, word: &[u8]) -> io::Result<u64> {
    count(File::open(path)?, word)
}

/// How often a word stands in what is read, also across the seams of its pieces.
///
/// # Errors
///
/// As the reader.
pub fn count(mut reader: impl Read, word: &[u8]) -> io::Result<u64> {
    let mut piece = Vec::with_capacity(PIECE + word.len());
    let mut found = 0;
    loop {
        let n = reader.by_ref().take(PIECE as u64).read_to_end(&mut piece)?;
        found += occurrences(&piece, word);
        if n == 0 {
            return Ok(found);
        }
        // What may be the beginning of a word is looked at again with what follows.
        let kept = piece.len().min(word.len().saturating_sub(1));
        piece.drain(..piece.len() - kept);
    }
}

fn occurrences(bytes: &[u8], word: &[u8]) -> u64 {
    let Some(first) = word.first() else { return 0 };
    let mut found = 0;
    let mut at = 0;
    while let Some(skip) = bytes[at..].iter().position(|byte| byte == first) {
        at += skip;
        found += u64::from(bytes[at..].starts_with(word));
        at += 1;
    }
    found
}

/// The files below a folder that hold a word, and how many files there are.
///
/// # Errors
///
/// When a folder or file cannot be read.
pub fn files_with(folder: &Path, word: &[u8]) -> io::Result<(Vec<std::path::PathBuf>, u64)> {
    let (mut found, mut n_files) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            let (more, n) = files_with(&path, word)?;
            found.extend(more);
            n_files += n;
        } else if path.is_file() {
            n_files += 1;
            if count_in_file(&path, word)? > 0 {
                found.push(path);
            }
        }
    }
    Ok((found, n_files))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn words_are_found_across_seams_and_counted_once() {
        for before in [0, 1, PIECE - 5, PIECE - 1, PIECE, PIECE + 3, 2 * PIECE - 4] {
            let mut bytes = vec![b'x'; before];
            bytes.extend(b"planted-planted-");
            bytes.extend(vec![b'p'; 40]);
            assert_eq!(count(&bytes[..], b"planted-").unwrap(), 2, "{before}");
        }
        assert_eq!(count(&b"plante"[..], b"planted-").unwrap(), 0);
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::fs::write(folder.path().join("in/a"), b"..planted-..").unwrap();
        std::fs::write(folder.path().join("b"), b"nothing").unwrap();
        let (found, n_files) = files_with(folder.path(), b"planted-").unwrap();
        assert_eq!((found, n_files), (vec![folder.path().join("in/a")], 2));
    }
}
