//! Who calls, and what that allows.
//!
//! Access tokens are not read yet: every caller is the anonymous operator who may do everything. Handlers ask all the
//! same, so that switching permissions on is a matter of this file: [`Caller::from_request_parts`] will read the token,
//! the rest of the API stays.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use uuid::Uuid;

use super::problem::Problem;

/// A permission, as in the `scope` of an access token. Each service declares its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope(pub &'static str);

/// Who calls. An extractor.
#[derive(Debug, Clone)]
pub struct Caller(());

impl Caller {
    /// The caller of a development system: may do everything.
    pub fn anonymous() -> Self {
        Self(())
    }

    /// The customer this caller is, when it is one; `None` for operators and programs.
    pub fn customer(&self) -> Option<Uuid> {
        None
    }

    pub fn may(&self, _scope: Scope) -> bool {
        true
    }

    /// 403, naming the scope, unless the caller has it.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.may(scope) { Ok(()) } else { Err(Problem::forbidden(scope)) }
    }

    /// Whether the caller may see what belongs to `owner`: the owner, or somebody with the scope that lifts the limit.
    /// Answer 404 when not: that something exists is nobody else's business.
    pub fn may_see(&self, owner: Uuid, everything: Scope) -> bool {
        self.customer() == Some(owner) || self.may(everything)
    }

    /// Sets one caller's idempotency keys apart from another's. Stored: never change the value of a kind of caller.
    pub fn scope_key(&self) -> &'static str {
        "anonymous"
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    /// Becomes `Problem` (401) when tokens are read.
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::anonymous())
    }
}
