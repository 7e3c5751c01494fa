use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use souk_sim::http::{Answer, Connection, Request};

use super::shop;

/// A server on a disk of a few megabytes, most of it taken by a file that can be removed.
const SCRIPT: &str = r#"
set -e
mount -t tmpfs -o size=24m tmpfs "$FOLDER"
"$SOUK" keys create --role ingest_server --data "$FOLDER/data"
head -c 12000000 /dev/zero >"$FOLDER/ballast"
"$SOUK" serve --data "$FOLDER/data" --listen "$ADDRESS" >/dev/null 2>"$LOG" &
read -r _
rm "$FOLDER/ballast"
read -r _ || true
kill %1
wait %1 || true
"#;

fn send(address: SocketAddr, key: &str, number: u64) -> std::io::Result<Answer> {
    let filler = "x".repeat(400);
    let events: Vec<String> = (0..300)
        .map(|n| {
            format!(
                r#"{{"type":"track","event":"Noted","messageId":"f{number}-{n}","userId":"u{n}","properties":{{"text":"{filler}{number}{n}"}}}}"#
            )
        })
        .collect();
    let body = format!(r#"{{"batch":[{}]}}"#, events.join(","));
    let (method, path) = ("POST", "/v1/batch");
    Connection::new(address).send(Request { method, path, key: Some(key), body: body.as_bytes() })
}

fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(90), "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A real file system runs full under ingest: 507 with a remedy, then recovery by itself.
#[test]
fn a_full_disk_is_said_and_survived() {
    // The superuser may mount in a name space of its own; others need one of users as well.
    let may_mount = |args: &&str| {
        let tried = Command::new("unshare").args([args, "true"]).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    let Some(own_mounts) = ["-m", "-rm"].into_iter().find(may_mount) else {
        assert!(std::env::var_os("CI").is_none(), "this machine lets nobody mount a small disk");
        // The storage adapter's own tests fill a simulated disk wherever they run.
        println!("this machine lets nobody mount a small disk: nothing was filled");
        return;
    };
    let (folder, shop) = shop();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mut machine = Command::new("unshare")
        .args([own_mounts, "bash", "-c", SCRIPT])
        .env("FOLDER", &disk)
        .env("SOUK", env!("CARGO_BIN_EXE_souk"))
        .env("ADDRESS", address.to_string())
        .env("LOG", shop.log_file())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = machine.stdin.take().unwrap();
    let mut lines = std::io::BufReader::new(machine.stdout.take().unwrap());
    let mut key = String::new();
    std::io::BufRead::read_line(&mut lines, &mut key).unwrap();
    let key = key.trim();
    let ready = Request { method: "GET", path: "/readyz", key: None, body: b"" };
    until("the server", || {
        Connection::new(address).send(ready).ok().filter(|answer| answer.status == 200)
    });
    let mut number = 0;
    let refusal = until("a refusal", || {
        number += 1;
        let answer = send(address, key, number).unwrap();
        (answer.status != 200).then_some(answer)
    });
    let text = String::from_utf8_lossy(&refusal.body).into_owned();
    assert_eq!(refusal.status, 507, "{text}");
    assert!(text.contains("free some space"), "{text}");
    // Reads go on.
    assert_eq!(Connection::new(address).send(ready).unwrap().status, 200);
    stdin.write_all(b"\n").unwrap();
    // The very batch that was refused goes through, without a restart.
    until("recovery", || send(address, key, number).ok().filter(|answer| answer.status == 200));
    drop(stdin);
    assert!(machine.wait().unwrap().success());
}
