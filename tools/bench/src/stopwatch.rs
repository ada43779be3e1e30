//! Time that this thread has been given: what other processes take meanwhile does not count.

use std::time::Duration;

/// Runs since it was made.
pub(crate) struct Stopwatch {
    started: Duration,
}

impl Stopwatch {
    /// Starts.
    pub(crate) fn start() -> Self {
        Self { started: now() }
    }

    /// How long it has run.
    pub(crate) fn elapsed(&self) -> Duration {
        now().saturating_sub(self.started)
    }
}

#[cfg(unix)]
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Where there is no such clock, all time counts.
#[cfg(not(unix))]
fn now() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed()
}
