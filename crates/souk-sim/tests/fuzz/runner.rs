//! Runs a target over its seeds, its findings and their mutations.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use souk_sim::Random;

use crate::folder;
use crate::mutate::mutate;

/// Work that one input may cause before it counts as a hang; a thousand times what the slowest needs.
const HANG: Duration = Duration::from_secs(60);
/// Memory that the test process may ever have had; the largest view of the targets takes a tenth.
const MEMORY_KB_MAX: u64 = 2 << 20;

/// One parser.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Inputs of the short form.
    pub(crate) inputs: u64,
    pub(crate) seeds: Vec<Vec<u8>>,
}

/// The input in work, for whoever watches.
type Current = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

impl Target {
    /// Feeds the parser.
    pub(crate) fn run(mut self, mut parse: impl FnMut(&[u8])) {
        assert!(!self.seeds.is_empty(), "{}: without seeds nothing is almost right", self.name);
        let seconds = number("SOUK_FUZZ_SECONDS");
        let seed = number("SOUK_FUZZ_SEED").unwrap_or_else(|| match seconds {
            None => 7,
            Some(_) => std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400,
        });
        let current = Current::default();
        let name = self.name;
        watch(name, Arc::clone(&current));
        let mut feed = |input: Vec<u8>| {
            *current.lock().unwrap() = Some((Instant::now(), input.clone()));
            if catch_unwind(AssertUnwindSafe(|| parse(&input))).is_err() {
                panic!("{name}: panicked at the input kept in {}", keep(name, &input).display());
            }
            *current.lock().unwrap() = None;
        };
        self.seeds.extend(findings(name));
        self.seeds.iter().cloned().for_each(&mut feed);
        let mut random = Random::new(seed);
        let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let mut count = 0;
        while until.map_or(count < self.inputs, |until| Instant::now() < until) {
            feed(mutate(&mut random, &self.seeds));
            count += 1;
        }
        let memory_kb = peak_memory_kb();
        println!("{name}: {count} inputs of seed {seed}, peak memory {} MB", memory_kb >> 10);
        assert!(memory_kb < MEMORY_KB_MAX, "{name}: the process had {memory_kb} KB");
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a whole number"))
}

/// Inputs that once broke the parser.
fn findings(name: &str) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder().join(name)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn keep(name: &str, input: &[u8]) -> PathBuf {
    let folder = folder().join(name);
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{:016x}", xxhash_rust::xxh3::xxh3_64(input)));
    fs::write(&path, input).unwrap();
    path
}

/// Ends the process at an input that takes too long, and keeps that input.
fn watch(name: &'static str, current: Current) {
    std::thread::spawn(move || {
        while Arc::strong_count(&current) > 1 {
            std::thread::sleep(Duration::from_secs(1));
            let hung = current.lock().unwrap().take_if(|(since, _)| since.elapsed() > HANG);
            if let Some((_, input)) = hung {
                println!("{name}: hangs at the input kept in {}", keep(name, &input).display());
                std::process::abort();
            }
        }
    });
}

fn peak_memory_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
