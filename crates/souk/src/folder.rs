//! The socket in a data folder, by which commands reach the server that owns it.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

const SOCKET: &str = "souk.sock";
/// Bytes of a socket's path that every system takes (`sun_path` has 104 or 108).
const SOCKET_PATH_MAX: usize = 100;

/// The path of the folder's socket in a form that the system takes: a long one goes through the
/// open folder instead, which the file keeps alive.
pub(crate) fn socket_path(folder: &Path) -> Result<(PathBuf, Option<File>)> {
    let path = folder.join(SOCKET);
    if path.as_os_str().len() < SOCKET_PATH_MAX {
        return Ok((path, None));
    }
    if !cfg!(target_os = "linux") {
        bail!("the path of the data folder is over 90 bytes; choose a shorter one");
    }
    let open = File::open(folder).with_context(|| format!("data folder {}", folder.display()))?;
    Ok((PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", open.as_raw_fd())), Some(open)))
}
