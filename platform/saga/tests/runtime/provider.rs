//! The outside that the ledger calls.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use saga::{CallError, Perform};

use crate::ledger::Bill;

/// What the outside does when it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    Answer(u32),
    Fail,
    Unknown,
    Hang,
    Panic,
}

/// The outside. Does what the script says, and answers 1 when that is over.
#[derive(Debug, Clone, Default)]
pub struct Provider {
    script: Arc<Mutex<VecDeque<Does>>>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    pub fn will(&self, script: impl IntoIterator<Item = Does>) {
        self.script.lock().unwrap().extend(script);
    }

    /// The idempotency keys it was called with.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

impl Perform<Bill> for Provider {
    async fn perform(&self, _: &Bill, key: &str) -> Result<u32, CallError> {
        self.calls.lock().unwrap().push(key.to_owned());
        let does = self.script.lock().unwrap().pop_front().unwrap_or(Does::Answer(1));
        match does {
            Does::Answer(answer) => Ok(answer),
            Does::Fail => Err(CallError::Failed("not now".into())),
            Does::Unknown => Err(CallError::Unknown("who knows".into())),
            Does::Hang => std::future::pending().await,
            Does::Panic => panic!("the performer panics"),
        }
    }
}
