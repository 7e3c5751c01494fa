//! One suite for each port, as lists of cases that any adapter runs.
//!
//! An adapter's test binary (`harness = false`) collects [`trials`] for each port and gives them to
//! [`run`]. Every case gets a fresh, empty store.

pub mod cache;
pub mod event_log;
pub mod key_store;
pub mod table_store;

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

/// What a case does.
pub type CaseFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One line of a port's contract, as a test that panics when it does not hold.
pub struct Case<T: ?Sized> {
    /// Unique in its list.
    pub name: &'static str,
    /// The test.
    pub run: fn(Arc<T>) -> CaseFuture,
}

impl<T: ?Sized> fmt::Debug for Case<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A new, empty store, and what must outlive it, such as its temporary folder.
pub struct Fresh<T: ?Sized> {
    /// The store.
    pub port: Arc<T>,
    /// Dropped after the store.
    pub guard: Box<dyn Any>,
}

impl<T: ?Sized> fmt::Debug for Fresh<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh").finish_non_exhaustive()
    }
}

/// One named test for each case; `open` runs inside a runtime.
pub fn trials<T: ?Sized + Send + Sync + 'static>(
    adapter: &str,
    cases: &'static [Case<T>],
    open: impl Fn() -> Fresh<T> + Clone + Send + 'static,
) -> Vec<Trial> {
    let trial = |case: &'static Case<T>| {
        let open = open.clone();
        Trial::test(format!("{adapter}::{}", case.name), move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?;
            let fresh = {
                let _inside = runtime.enter();
                open()
            };
            runtime.block_on((case.run)(Arc::clone(&fresh.port)));
            drop(runtime);
            drop(fresh.port);
            drop(fresh.guard);
            Ok(())
        })
    };
    cases.iter().map(trial).collect()
}

/// Runs the tests as `cargo test` and nextest expect it, with their arguments.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Turns functions of a store into cases of their own names.
macro_rules! cases {
    ($port:ty; $($name:ident),+ $(,)?) => {
        &[$($crate::conformance::Case::<$port> {
            name: stringify!($name),
            run: |port| Box::pin(async move { $name(&*port).await }),
        }),+]
    };
}

/// The same for functions that share the store among tasks.
macro_rules! shared_cases {
    ($port:ty; $($name:ident),+ $(,)?) => {
        &[$($crate::conformance::Case::<$port> {
            name: stringify!($name),
            run: |port| Box::pin($name(port)),
        }),+]
    };
}

pub(crate) use {cases, shared_cases};
