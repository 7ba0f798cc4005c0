#![doc = include_str!("../README.md")]

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

/// The source of time and ids. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Clock(Arc<dyn Source>);

/// Times are truncated to microseconds, the precision that every database stores.
trait Source: Debug + Send + Sync {
    fn now(&self) -> DateTime<Utc>;
    fn uptime(&self) -> Duration;
    fn new_id(&self) -> Uuid;
}

impl Clock {
    /// The machine's clock, and ids with random bits that cannot be guessed.
    pub fn system() -> Self {
        Self(Arc::new(System))
    }

    /// A clock that changes only when it is set, and ids that are the same in every run with the same seed.
    pub fn manual(now: DateTime<Utc>, seed: u64) -> (Self, ManualClock) {
        let manual = ManualClock(Arc::new(Manual {
            micros: AtomicI64::new(now.timestamp_micros()),
            seed,
            ids: AtomicU64::new(0),
        }));
        (Self(manual.0.clone()), manual)
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    /// The time since an arbitrary moment in the past. It cannot be set. On Linux it includes the time while the
    /// machine is suspended, so that a process can detect how long it was suspended.
    pub fn uptime(&self) -> Duration {
        self.0.uptime()
    }

    /// A new id (UUID v7). Ids rise with time.
    pub fn new_id(&self) -> Uuid {
        self.0.new_id()
    }
}

/// Sets the time of the [`Clock`] created with it.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Manual>);

impl ManualClock {
    pub fn set(&self, now: DateTime<Utc>) {
        self.0.micros.store(now.timestamp_micros(), Ordering::SeqCst);
    }

    pub fn advance(&self, by: chrono::TimeDelta) {
        let micros = by.num_microseconds().expect("a step of less than 292,000 years");
        self.0.micros.fetch_add(micros, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct System;

#[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
impl Source for System {
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
    fn uptime(&self) -> Duration {
        #[cfg(target_os = "linux")]
        const ID: rustix::time::ClockId = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        const ID: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

        Duration::try_from(rustix::time::clock_gettime(ID)).expect("a time since the start of the machine")
    }
    fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

#[derive(Debug)]
struct Manual {
    micros: AtomicI64,
    seed: u64,
    ids: AtomicU64,
}

impl Source for Manual {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.micros.load(Ordering::SeqCst)).expect("set from a valid time")
    }
    fn uptime(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::SeqCst).try_into().unwrap_or_default())
    }
    fn new_id(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or_default();
        let count = self.ids.fetch_add(1, Ordering::SeqCst);
        let random = (u128::from(self.seed) << 64 | u128::from(count)).to_be_bytes();
        uuid::Builder::from_unix_timestamp_millis(millis, random[6..].try_into().expect("ten bytes")).into_uuid()
    }
}
