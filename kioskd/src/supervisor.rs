//! Every task and thread has a name and a supervisor. The first one that ends before the program does, ends
//! the program, with its name and reason: systemd starts it anew. (Devices never end: they retry inside.)

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// How long threads and tasks may take to stop before the process exits all the same.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Spawns and watches.
#[derive(Clone)]
pub struct Supervisor {
    runtime: Handle,
    shared: Arc<Shared>,
}

struct Shared {
    stop: watch::Sender<bool>,
    failure: Mutex<Option<anyhow::Error>>,
    running: watch::Sender<usize>,
    on_stop: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
}

/// Tells a task that the program ends.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Returns when the program ends. Cancel-safe.
    pub async fn wait(&mut self) {
        // The sender lives as long as the supervisor; if that is gone the program ends too.
        drop(self.0.wait_for(|stop| *stop).await);
    }

    /// Whether the program ends.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }
}

impl Supervisor {
    /// A supervisor for tasks of `runtime`.
    pub fn new(runtime: Handle) -> Self {
        let shared = Shared {
            stop: watch::Sender::new(false),
            failure: Mutex::default(),
            running: watch::Sender::new(0),
            on_stop: Mutex::default(),
        };
        Self { runtime, shared: Arc::new(shared) }
    }

    /// Tells tasks when to end.
    pub fn shutdown(&self) -> Shutdown {
        Shutdown(self.shared.stop.subscribe())
    }

    /// Calls `hook` once when the program begins to end.
    pub fn on_stop(&self, hook: impl FnOnce() + Send + 'static) {
        self.shared.on_stop.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(hook));
    }

    /// Starts a task. When it ends before the program does, the program ends.
    pub fn task(&self, name: &'static str, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.shared.running.send_modify(|n| *n += 1);
        let supervisor = self.clone();
        let spawned = self.runtime.spawn(task);
        self.runtime.spawn(async move {
            let result = match spawned.await {
                Ok(result) => result,
                Err(error) => Err(anyhow::Error::new(error)),
            };
            supervisor.ended(name, result);
        });
    }

    /// Starts a thread. When it ends before the program does, the program ends.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn thread(
        &self,
        name: &'static str,
        thread: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<()> {
        self.shared.running.send_modify(|n| *n += 1);
        let supervisor = self.clone();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(thread))
                    .unwrap_or_else(|_| Err(anyhow::anyhow!("panicked")));
                supervisor.ended(name, result);
            })
            .with_context(|| format!("cannot start the thread {name}"))?;
        Ok(())
    }

    /// Ends the program, without a failure unless there was one already.
    pub fn stop(&self) {
        if self.shared.stop.send_replace(true) {
            return;
        }
        let hooks = std::mem::take(&mut *self.shared.on_stop.lock().unwrap_or_else(PoisonError::into_inner));
        for hook in hooks {
            hook();
        }
    }

    /// Ends the program, waits for everything to end, and tells why it ended.
    ///
    /// # Errors
    /// What ended it, if it was not asked to end.
    pub fn join(&self) -> anyhow::Result<()> {
        self.stop();
        let mut running = self.shared.running.subscribe();
        let all_ended = self.runtime.block_on(async {
            tokio::time::timeout(STOP_WITHIN, running.wait_for(|n| *n == 0)).await.is_ok()
        });
        if !all_ended {
            tracing::warn!("some threads or tasks did not stop in time");
        }
        self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    fn ended(&self, name: &'static str, result: anyhow::Result<()>) {
        if !self.shutdown().is_set() {
            let error = match result {
                Ok(()) => anyhow::anyhow!("{name} ended"),
                Err(error) => error.context(format!("{name} failed")),
            };
            tracing::error!(error = ?error, "the program ends");
            self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.stop();
        } else if let Err(error) = result {
            tracing::warn!(?error, name, "ended with an error while the program stops");
        }
        self.shared.running.send_modify(|n| *n -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    }

    #[test]
    fn the_first_to_end_ends_the_program_with_its_name() {
        let runtime = runtime();
        let supervisor = Supervisor::new(runtime.handle().clone());
        let mut shutdown = supervisor.shutdown();
        supervisor.task("waits", async move {
            shutdown.wait().await;
            Ok(())
        });
        supervisor.thread("breaks", || anyhow::bail!("no paper")).unwrap();
        let mut stopped = supervisor.shutdown();
        runtime.block_on(stopped.wait());
        let error = format!("{:#}", supervisor.join().unwrap_err());
        assert_eq!(error, "breaks failed: no paper");
    }

    #[test]
    fn a_panic_is_a_failure_and_a_requested_stop_is_none() {
        let runtime = runtime();
        let supervisor = Supervisor::new(runtime.handle().clone());
        supervisor.thread("panics", || panic!("test")).unwrap();
        let mut stopped = supervisor.shutdown();
        runtime.block_on(stopped.wait());
        assert!(supervisor.join().is_err());

        let supervisor = Supervisor::new(runtime.handle().clone());
        let mut shutdown = supervisor.shutdown();
        supervisor.task("waits", async move {
            shutdown.wait().await;
            Ok(())
        });
        supervisor.join().unwrap();
    }
}
