//! Commands that ask the running server: it owns the data folder, so it does the work.
//!
//! A socket in the data folder, which only the folder's owner can open, carries one job a connection:
//! a line of JSON in, lines of progress out, the result at last. Whoever can open it could read the
//! folder itself, so it asks for no key.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use souk_app::Progress;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::folder::socket_path;
use crate::job::{Job, Shop};

/// Bytes of a job; chosen: a thousand paths fit.
const JOB_BYTES_MAX: u64 = 1 << 20;

/// One line of the answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Begin { what: String, total: Option<u64> },
    Advance(u64),
    Note(String),
    End,
    Done(Value),
    Failed(Failure),
}

/// Progress that is told to whoever asked for the job.
struct Told(mpsc::UnboundedSender<Line>);

impl Progress for Told {
    fn begin(&self, what: &str, total: Option<u64>) {
        let _ = self.0.send(Line::Begin { what: what.to_owned(), total });
    }
    fn advance(&self, steps: u64) {
        let _ = self.0.send(Line::Advance(steps));
    }
    fn note(&self, text: &str) {
        let _ = self.0.send(Line::Note(text.to_owned()));
    }
    fn end(&self) {
        let _ = self.0.send(Line::End);
    }
}

/// The socket's name in the data folder; dropping it takes the name away.
#[derive(Debug)]
pub(crate) struct Listening {
    path: PathBuf,
    _folder: Option<File>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Answers jobs until the process ends.
pub(crate) fn listen(folder: &Path, shop: Arc<Shop>) -> Result<Listening> {
    let (path, folder) = socket_path(folder)?;
    // One that a killed process left behind answers nobody; the lock says that we are alone.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).context("the socket in the data folder")?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(answer(stream, Arc::clone(&shop)));
                }
                Err(error) => {
                    tracing::warn!(%error, "the socket in the data folder refused a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(Listening { path, _folder: folder })
}

async fn answer(stream: tokio::net::UnixStream, shop: Arc<Shop>) {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = tokio::io::BufReader::new(tokio::io::AsyncReadExt::take(read, JOB_BYTES_MAX));
    if read.read_line(&mut line).await.is_err() {
        return;
    }
    let (send, mut receive) = mpsc::unbounded_channel();
    let working = tokio::spawn(async move {
        let job: Result<Job> = serde_json::from_str(&line)
            .map_err(|error| anyhow!("this server does not know the command ({error})"));
        let result = match job {
            Ok(job) => job.run(&shop, &Told(send.clone())).await,
            Err(error) => Err(error),
        };
        let last = match result {
            Ok(value) => Line::Done(value),
            Err(error) => Line::Failed(Failure::of(&error)),
        };
        let _ = send.send(last);
    });
    while let Some(line) = receive.recv().await {
        let Ok(mut text) = serde_json::to_vec(&line) else { break };
        text.push(b'\n');
        if write.write_all(&text).await.is_err() {
            // Whoever asked went away: the work is not worth going on with.
            working.abort();
            break;
        }
    }
}

/// Asks the server that owns the folder to do the job.
pub(crate) fn ask(folder: &Path, job: &Job, progress: &dyn Progress) -> Result<Value> {
    let (path, _folder_file) = socket_path(folder)?;
    let mut stream = UnixStream::connect(&path).with_context(|| {
        format!(
            "another souk uses the data folder {} and does not answer; wait for it to start or end",
            folder.display()
        )
    })?;
    let mut text = serde_json::to_vec(job)?;
    text.push(b'\n');
    stream.write_all(&text)?;
    for line in BufReader::new(stream).lines() {
        match serde_json::from_str(&line?)? {
            Line::Begin { what, total } => progress.begin(&what, total),
            Line::Advance(steps) => progress.advance(steps),
            Line::Note(text) => progress.note(&text),
            Line::End => progress.end(),
            Line::Done(value) => return Ok(value),
            Line::Failed(failure) => return Err(failure.into()),
        }
    }
    Err(anyhow!("the server ended before the work was done; run the command again"))
}
