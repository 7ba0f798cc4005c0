//! Commands from callers that wait for their answer.

use std::collections::HashMap;

use store::{StoreError, Tx, bulk};
use tokio::sync::oneshot;

use super::Source;
use crate::{
    IdempotentRequest, Verdict,
    runtime::{BatchState, Deferred, Disposition, Item},
    tables::idempotency,
};

pub(crate) struct CommandSource {
    /// `None`: a repeat is decided again.
    pub request: Option<IdempotentRequest>,
    /// Taken when the caller has its answer.
    reply: Option<oneshot::Sender<Disposition>>,
}

/// Which requests of a batch were answered before, by idempotency key.
#[derive(Default)]
pub(crate) struct Lookup(HashMap<String, idempotency::Model>);

impl Lookup {
    pub async fn load<I>(tx: &Tx, items: &[Item<I>]) -> Result<Self, StoreError> {
        let keys: Vec<String> = items.iter().filter_map(|item| Some(item.source.request()?.key.clone())).collect();
        let rows = bulk::select::<idempotency::Entity>(tx, &keys, false).await?;
        Ok(Self(rows.into_iter().map(|row| (row.key.clone(), row)).collect()))
    }
}

impl Source {
    fn request(&self) -> Option<&IdempotentRequest> {
        match self {
            Self::Command(source) => source.request.as_ref(),
            _ => None,
        }
    }
}

impl CommandSource {
    pub fn new(request: Option<IdempotentRequest>, reply: oneshot::Sender<Disposition>) -> Self {
        Self { request, reply: Some(reply) }
    }

    pub fn dedupe(&self, state: &BatchState<'_>) -> Option<Disposition> {
        let request = self.request.as_ref()?;
        let answered = state.dedup.commands.0.get(&request.key)?;
        let is_same = answered.hash == request.hash;
        Some(if is_same { Disposition::Replayed(answered.reply.clone()) } else { Disposition::KeyReused })
    }

    /// A refusal is not stored: the same request may succeed later.
    pub fn apply(&self, verdict: Verdict, state: &mut BatchState<'_>) -> Disposition {
        if let (Some(request), Verdict::Answered(answer)) = (&self.request, &verdict)
            && let Some(reply) = answer.json()
        {
            let (key, hash) = (request.key.clone(), request.hash.to_vec());
            state.writes.answers.push(idempotency::Model { key, hash, reply, at: state.now });
        }
        Disposition::Decided(verdict)
    }

    /// Nothing is stored: the caller gets `Failed`.
    pub fn defer(&mut self) -> Option<Deferred> {
        self.reply(Disposition::Failed);
        None
    }

    pub fn reply(&mut self, disposition: Disposition) {
        if let Some(reply) = self.reply.take() {
            drop(reply.send(disposition)); // the caller may have gone
        }
    }
}
