//! A souk server as a child process: started, asked, killed without warning, started again.

use std::ffi::OsStr;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::{Connection, Request};

/// How long a start may take before the test gives up.
const START_MAX: Duration = Duration::from_secs(120);

/// A data folder with the program that serves it.
#[derive(Clone, Debug)]
pub struct Shop {
    program: PathBuf,
    folder: PathBuf,
    config: Option<PathBuf>,
}

/// A running server; dropping it kills it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Shop {
    /// The program at `program` over the data in `folder`.
    pub fn new(program: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Shop {
        Shop { program: program.into(), folder: folder.into(), config: None }
    }

    /// The same with a configuration file.
    pub fn with_config(self, config: impl Into<PathBuf>) -> Shop {
        Shop { config: Some(config.into()), ..self }
    }

    /// The same program over another folder.
    pub fn at(&self, folder: impl Into<PathBuf>) -> Shop {
        Shop { folder: folder.into(), ..self.clone() }
    }

    /// What the servers of this folder logged.
    pub fn log_file(&self) -> PathBuf {
        self.folder.with_extension("server.log")
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a command of the program on this folder to its end, and returns what it printed.
    ///
    /// # Errors
    ///
    /// When it cannot be started or ends with a failure; the message holds what it said.
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> io::Result<String> {
        let output = self.command(args).output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("{}: {said}", output.status)))
    }

    /// Starts a command of the program on this folder and does not wait for it.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start<S: AsRef<OsStr>>(&self, args: &[S]) -> io::Result<Child> {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }

    /// Exports facts of this kind into a file.
    ///
    /// # Errors
    ///
    /// As [`Shop::run`].
    pub fn export(&self, kind: &str, out: &Path) -> io::Result<()> {
        let args = ["export".as_ref(), "--kind".as_ref(), kind.as_ref(), "--out".as_ref()];
        self.run(&[&args[..], &[out.as_os_str()]].concat()).map(|_| ())
    }

    /// Makes a key of this role, with no server running.
    ///
    /// # Errors
    ///
    /// As [`Shop::run`].
    pub fn create_key(&self, role: &str) -> io::Result<String> {
        Ok(self.run(&["keys", "create", "--role", role])?.trim().to_owned())
    }

    /// Starts the server on a free port and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it ends early or is not ready within two minutes.
    pub fn serve(&self) -> io::Result<Server> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_file())?;
        let child = self
            .command(&["serve", "--listen", &address.to_string()])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut server = Server { child, address };
        let start = Instant::now();
        let ready = Request { method: "GET", path: "/readyz", key: None, body: b"" };
        loop {
            // A new connection each time: a refused one says nothing about the next.
            let answer = Connection::new(address).send(ready);
            if answer.is_ok_and(|answer| answer.status == 200) {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                let said = std::fs::read_to_string(self.log_file()).unwrap_or_default();
                let last = said.lines().last().unwrap_or_default();
                return Err(io::Error::other(format!("the server ended: {status}; {last}")));
            }
            if start.elapsed() > START_MAX {
                return Err(io::Error::from(io::ErrorKind::TimedOut));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).arg("--data").arg(&self.folder).stdin(Stdio::null());
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command
    }
}

impl Server {
    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process without warning (`SIGKILL`), as a crash would.
    ///
    /// # Errors
    ///
    /// When it cannot be waited for.
    pub fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }

    /// Asks the process to end (`SIGTERM`) and waits for it.
    ///
    /// # Errors
    ///
    /// When it does not end well.
    pub fn stop(mut self) -> io::Result<()> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        match self.child.wait()? {
            status if status.success() => Ok(()),
            status => Err(io::Error::other(format!("the server ended with {status}"))),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ending twice is harmless, and a test that fails must not leave a server behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
